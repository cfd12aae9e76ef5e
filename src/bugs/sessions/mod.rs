//! Bugs of sessions.

pub(super) mod a15_messages_are_lost;
pub(super) mod a16_a_message_resurrects_a_session;
pub(super) mod a27_the_older_layout_is_unreadable;
pub(super) mod a32_the_index_has_one_page;
pub(super) mod a43_create_overwrites_a_session;
mod rerouted;
