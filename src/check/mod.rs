//! (laid out by the next commit)
