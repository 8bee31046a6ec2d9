//! Bedrock's converse.

use belvedere_core::message::MediaKind;

use super::{DATA_OR_ID, NO_FIELD, NO_MEDIA, within};
use crate::capabilities::rule::{Field, Row, Rule};

pub(super) const ROWS: &[Row] = &[Row {
    wires: &["bedrock.converse"],
    hosts: &[],
    models: &[],
    source: "https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html",
    rules: &[
        (Field::Temperature, within(0.0, 1.0)),
        (Field::TopP, within(0.0, 1.0)),
        (Field::Stop, Rule::AtMost(2500)),
        (Field::N, NO_FIELD),
        (Field::Seed, NO_FIELD),
        (Field::PresencePenalty, NO_FIELD),
        (Field::FrequencyPenalty, NO_FIELD),
        (Field::Logprobs, NO_FIELD),
        (Field::TopLogprobs, NO_FIELD),
        (Field::User, NO_FIELD),
        (Field::Parallel, NO_FIELD),
        (Field::ChoiceNone, Rule::Lacks("the wire has auto, any and tool")),
        (Field::JsonObject, Rule::Lacks("the wire has no free JSON object; give a json_schema")),
        (Field::Image, DATA_OR_ID),
        (Field::Video, DATA_OR_ID),
        (Field::File, DATA_OR_ID),
        (Field::Audio, NO_MEDIA),
        (Field::ToolMedia, Rule::Kinds(&[MediaKind::Image, MediaKind::Video, MediaKind::File])),
        (Field::SystemMedia, Rule::Lacks("instructions are text")),
    ],
}];
