//! Which client runs next, at every scheduling point.
