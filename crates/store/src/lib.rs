//! Where configurations, activity and records of calls live: the [`Store`] trait, SQLite with sealed documents
//! behind it, and a store in memory for the library and for tests.
//!
//! | file | holds |
//! |---|---|
//! | [`SqliteStore`] | one data directory: `trunkline.db`, `activity.db`, `trunkline.lock`, `trunkline.key` |
//! | [`backup`], [`restore`] | a copy of the database while it is in use, and the way back |
//! | [`MemoryStore`] | the same contract, gone with the process |
//! | [`seal`] | the envelope around every document |
//! | [`KeySource`], [`Keyring`] | the master key, and where it comes from |
//! | [`Keys`] | how it is replaced while the store is in use |
//! | [`Marks`] | which calls of messages have begun that must not be made twice |
//! | [`Tokens`] | what is known of API tokens |
//! | [`Trouble`] | what a start was refused for, so that the command line can choose its exit code |
//!
//! This crate reads no environment: what stands in `TRUNKLINE_KEY` is passed in by the command line.

mod events;
mod files;
mod key;
mod key_source;
mod keys;
mod marks;
mod memory;
mod part;
pub mod seal;
mod sqlite;
mod store;
mod tokens;
mod trouble;

pub use events::{
    Attempted, Delivery, DeliveryState, Events, Lane, NewEvent, Redelivered, Redelivery, StoredEvent, Tried,
    Waiting, WholeEvent,
};
pub use key::{KeyId, Keyring, MasterKey};
pub use key_source::KeySource;
pub use keys::{KeyUse, Keys, Progress, Rotation, RotationState};
pub use marks::{MarkWrite, Marked, Marks};
pub use memory::MemoryStore;
pub use part::{Part, PartKind};
pub use sqlite::{Backup, SqliteOptions, SqliteStore, backup, restore};
pub use store::{BegunCall, CallTerm, Store, Stored};
pub use tokens::Tokens;
pub use trouble::Trouble;
