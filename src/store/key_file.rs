//! The key that a data directory keeps for its secret values:
//! `auth/encryption_key`, whose exact content is the key string, a final
//! newline included.
//!
//! Programs that only look at a data directory use [`read`]; one that opens it
//! in order to write secrets uses [`read_or_make`].

use std::{io, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use super::encryption::EncryptionKey;
use crate::{
    fs::{Access, Fs},
    seam::Entropy,
};

/// The directory, below the data directory, that the file lies in.
pub const DIRECTORY: &str = "auth";
/// The file's name.
pub const NAME: &str = "encryption_key";

/// Locked by whoever makes the key, so that all agree on one.
const LOCK_NAME: &str = ".storeproof.lock";
/// Where a key lies until it is whole. Only who has the lock touches it.
const TEMPORARY_NAME: &str = ".storeproof.encryption_key.tmp";
/// How many random bytes a new key has.
const KEY_BYTES: usize = 32;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// The file is there, and empty.
    #[error(
        "auth/encryption_key is empty: put the key back, or remove the file to have a new one made"
    )]
    Empty,
    /// The storage failed.
    #[error("{doing} (the key file auth/encryption_key): {source}")]
    Io {
        /// The step that failed.
        doing: &'static str,
        /// The system's own error.
        source: io::Error,
    },
}

fn failed(doing: &'static str) -> impl FnOnce(io::Error) -> KeyFileError {
    move |source| KeyFileError::Io { doing, source }
}

/// The key of the data directory that is the root of `fs`; none when it has
/// none, or an empty one. Changes nothing.
///
/// # Errors
/// When the file is there and can't be read.
pub async fn read<F: Fs>(fs: &F) -> Result<Option<EncryptionKey>, KeyFileError> {
    let own = fs.clone();
    fs.run(async move {
        let Some(auth) = missing(own.open_dir(&own.root(), DIRECTORY).await)
            .map_err(failed("opening the directory"))?
        else {
            return Ok(None);
        };
        Ok(content(&own, &auth).await?.and_then(|text| EncryptionKey::new(&text)))
    })
    .await
}

/// The key of the data directory that is the root of `fs`. Where there is no
/// key file, one is made, with mode 0600: 32 bytes of `entropy`, in base64. All
/// processes that do so at the same time get the same key.
///
/// The key that is returned survives a loss of power, whoever made it: nothing
/// is ever written with a key that may be lost. A crash leaves the whole key or
/// none.
///
/// # Errors
/// [`KeyFileError::Empty`], because nobody knows which key an empty file had;
/// and when the storage or `entropy` fails.
pub async fn read_or_make<F: Fs>(
    fs: &F,
    entropy: &Arc<dyn Entropy>,
) -> Result<EncryptionKey, KeyFileError> {
    let (own, entropy) = (fs.clone(), Arc::clone(entropy));
    fs.run(async move {
        let auth = directory(&own).await?;
        let lock = lock(&own, &auth).await.map_err(failed("locking the directory"))?;
        let text = match content(&own, &auth).await? {
            Some(text) => text,
            None => make(&own, &auth, &*entropy).await.map_err(failed("making a new key"))?,
        };
        // Also what others wrote may not be durable yet.
        let synced = async {
            let file = own.open_file(&auth, NAME, Access::Read).await?;
            own.sync_file(&file).await?;
            own.sync_dir(&auth).await?;
            own.sync_dir(&own.root()).await
        };
        synced.await.map_err(failed("syncing the key"))?;
        drop(lock);
        EncryptionKey::new(&text).ok_or(KeyFileError::Empty)
    })
    .await
}

/// What was looked for, or none where there is none.
fn missing<T>(found: io::Result<T>) -> io::Result<Option<T>> {
    match found {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        found => found.map(Some),
    }
}

async fn content<F: Fs>(fs: &F, auth: &F::Dir) -> Result<Option<Zeroizing<Vec<u8>>>, KeyFileError> {
    let found = missing(fs.read(auth, NAME).await).map_err(failed("reading"))?;
    Ok(found.map(|(text, _)| Zeroizing::new(text)))
}

/// The directory, made where it is missing.
async fn directory<F: Fs>(fs: &F) -> Result<F::Dir, KeyFileError> {
    let root = fs.root();
    if let Some(auth) =
        missing(fs.open_dir(&root, DIRECTORY).await).map_err(failed("opening the directory"))?
    {
        return Ok(auth);
    }
    match fs.create_dir(&root, DIRECTORY).await {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(failed("making the directory")(error))
        }
        _ => fs.open_dir(&root, DIRECTORY).await.map_err(failed("opening the directory")),
    }
}

async fn lock<F: Fs>(fs: &F, auth: &F::Dir) -> io::Result<F::File> {
    let file = loop {
        if let Some(file) = missing(fs.open_file(auth, LOCK_NAME, Access::ReadWrite).await)? {
            break file;
        }
        match fs.create_file(auth, LOCK_NAME).await {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => break made?,
        }
    };
    fs.lock(&file).await?;
    Ok(file)
}

/// Makes a key and puts it in its place, under the lock.
async fn make<F: Fs>(
    fs: &F,
    auth: &F::Dir,
    entropy: &dyn Entropy,
) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut random = Zeroizing::new([0; KEY_BYTES]);
    entropy.fill(&mut *random)?;
    let text = Zeroizing::new(STANDARD.encode(random.as_slice()).into_bytes());
    // One who died may have left it.
    missing(fs.remove_file(auth, TEMPORARY_NAME).await)?;
    let file = fs.create_file(auth, TEMPORARY_NAME).await?;
    fs.write(&file, &text).await?;
    fs.sync_file(&file).await?;
    fs.rename(auth, TEMPORARY_NAME, auth, NAME).await?;
    Ok(text)
}
