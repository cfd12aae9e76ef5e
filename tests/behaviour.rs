//! Behaviour tests.

mod disk;
