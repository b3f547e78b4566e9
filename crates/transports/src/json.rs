//! JSON that is looked into as it is written: neither parsed nor copied as a whole.

mod marks;
mod pointer;
mod scan;
#[cfg(test)]
mod tests;

pub(crate) use self::{
    marks::Marks,
    pointer::{Found, Pointer, range},
};
