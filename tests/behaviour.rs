//! Behaviour tests.

mod disk;
mod file_backend;
