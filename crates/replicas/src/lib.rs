//! What several servers of one installation share beside their store: limits, counted in Redis.

mod redis_limits;
mod scripts;

pub use redis_limits::{RedisLimits, RedisOptions, WithoutRedis};
