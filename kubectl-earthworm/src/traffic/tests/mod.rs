//! Records of probes in, rows out.

mod flows;
mod limits;
pub(crate) mod notation;
mod sessions;
mod views;
