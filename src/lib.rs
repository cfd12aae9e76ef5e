//! storeproof proves persistence layers.
//!
//! The crate holds two things that belong together: a **persistence layer**
//! ([`seam`], [`fs`], [`backend`], [`store`], [`workspace`], [`directory`]) and the **harness** that proves
//! it (`model`, `sim`, `check`, `bugs`, `driver`, `report`, `formats`, `fuzz`, `cli`; feature
//! `harness`, on by default). Layers point one way: a layer uses only those listed before
//! it.
//! `ARCHITECTURE.md` has the map.

pub mod seam;

pub mod fs;

pub mod backend;

pub mod store;

pub mod workspace;

pub mod directory;

#[cfg(feature = "harness")]
pub mod model;

#[cfg(feature = "harness")]
pub mod sim;

#[cfg(feature = "harness")]
pub mod check;

#[cfg(feature = "harness")]
pub mod bugs;

#[cfg(feature = "harness")]
pub mod driver;

#[cfg(feature = "harness")]
pub mod report;

#[cfg(feature = "harness")]
pub mod formats;

#[cfg(feature = "harness")]
pub mod fuzz;

#[cfg(feature = "harness")]
pub mod cli;
