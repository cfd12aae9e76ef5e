//! Behaviour tests: one binary, one module an area.

// Modules are `cfg(test)` so that the lints know them for what they are.
#[cfg(test)]
mod backends;
#[cfg(test)]
mod seam_rules;
#[cfg(test)]
mod users_rules;
