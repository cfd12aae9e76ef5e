//! Storages that the driver may read, and not write.

use serde_json::json;

use super::{
    open_collection,
    processes::{Process, record},
};
use crate::data_directory::program::{bound, set_modes};

#[test]
fn a_storage_that_can_t_be_written_is_refused_when_it_is_opened_and_stays_as_it_is() {
    for backend in ["sqlite", "file"] {
        let directory = tempfile::tempdir().expect("a directory");
        let open = open_collection(&directory.path().join("storage"));
        let put = json!({"record": record("a", "1")});
        let mut owner = Process::start(backend);
        assert_eq!(owner.call("open", &open), Ok(json!({})), "{backend}");
        assert_eq!(owner.call("collection.create", &put), Ok(json!({})), "{backend}");
        owner.finish();

        set_modes(directory.path(), 0o555, 0o444);
        let (_place, mut command) = bound(directory.path());
        let mut reader = Process::run(command.args(["driver", "--backend", backend]));
        assert_eq!(reader.call("open", &open), Err("io".to_owned()), "{backend}");
        reader.finish();

        set_modes(directory.path(), 0o755, 0o644);
        let mut owner = Process::start(backend);
        assert_eq!(owner.call("open", &open), Ok(json!({})), "{backend}");
        assert_eq!(owner.call("collection.get", &json!({"id": "a"})), Ok(put), "{backend}");
        owner.finish();
    }
}
