//! Bugs of the watermark.

pub(super) mod a20_save_keeps_a_null;
