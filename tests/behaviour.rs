//! Behaviour tests.

#[cfg(test)]
mod file_format;
