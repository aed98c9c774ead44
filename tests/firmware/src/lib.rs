//! The networks, included as strictly as a user may want it.
#![no_std]
#![deny(warnings, missing_docs, unreachable_pub)]
#![forbid(unsafe_code)]

macro_rules! models {
    ($($model:ident)*) => { $(mixq_rt::include_model!(pub $model);)* };
}

include!(concat!(env!("MIXQ_MODELS"), "/models.rs"));
