//! Order books that prove themselves, fed with raw venue frames.

pub mod book;
pub mod frames;
pub mod json;
pub mod levels;
pub mod number;
pub mod proof;
#[cfg(feature = "extension-module")]
mod python;
pub mod text;
