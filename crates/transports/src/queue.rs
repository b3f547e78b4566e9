//! Message queues, one broker's protocol a folder.

mod kafka;
