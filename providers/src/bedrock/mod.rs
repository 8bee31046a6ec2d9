//! Amazon Bedrock, <https://docs.aws.amazon.com/bedrock/latest/APIReference/>: the Converse API for all models, and
//! Anthropic's messages by `InvokeModel`.
//!
//! [`Auth`] signs for both: with Signature Version 4, whose keys come from wherever a machine on AWS has them, or
//! with a Bedrock API key.

mod auth;
mod converse;
mod fault;
mod invoke;
mod keys;
mod messages;
mod metadata;
mod sigv4;
mod target;

pub use auth::Auth;
pub use converse::{Converse, ConverseEndpoint};
pub use invoke::{InvokeAnthropic, InvokeAnthropicEndpoint};
pub use keys::{AwsKeys, KeySource, Sources};
pub use metadata::{Container, InstanceMetadata};
pub use sigv4::SigV4;
