//! Where collections really live.

<<<<<<< HEAD
pub mod file;
=======
pub mod memory;
>>>>>>> models
