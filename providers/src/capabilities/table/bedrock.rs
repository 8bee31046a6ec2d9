//! Bedrock's converse. What it has no field for goes into the fields of the model's own, where the model has them.

use belvedere_core::message::MediaKind;
use belvedere_core::request::Effort::{High, Low, Medium, None};

use super::{NO_FIELD, within};
use crate::capabilities::rule::{Field, Row, Rule, Sources};

const WIRES: &[&str] = &["bedrock.converse"];
const MODELS: &str = "https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html";

const DATA_OR_S3: Rule = Rule::From(Sources { data: true, url: Some("s3://"), id: false });
const NOT_OF_MODEL: Rule =
    Rule::Lacks("the model has no such parameter that is known; additionalModelRequestFields takes its own");

pub(super) const ROWS: &[Row] = &[
    Row {
        wires: WIRES,
        hosts: &[],
        models: &[],
        source: "https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html",
        rules: &[
            (Field::Temperature, within(0.0, 1.0)),
            (Field::TopP, within(0.0, 1.0)),
            (Field::TopK, NOT_OF_MODEL),
            (Field::Effort, NOT_OF_MODEL),
            (Field::Budget, NOT_OF_MODEL),
            (Field::Stop, Rule::AtMost(2500)),
            (Field::N, NO_FIELD),
            (Field::Seed, NO_FIELD),
            (Field::PresencePenalty, NO_FIELD),
            (Field::FrequencyPenalty, NO_FIELD),
            (Field::Logprobs, NO_FIELD),
            (Field::TopLogprobs, NO_FIELD),
            (Field::Parallel, NO_FIELD),
            (Field::ChoiceNone, Rule::Lacks("the wire has auto, any and tool")),
            (Field::JsonObject, Rule::Lacks("the wire has no free JSON object; give a json_schema")),
            (Field::Speaker, NO_FIELD),
            (Field::Image, DATA_OR_S3),
            (Field::Audio, DATA_OR_S3),
            (Field::Video, DATA_OR_S3),
            (Field::File, DATA_OR_S3),
            (Field::ToolMedia, Rule::Kinds(&[MediaKind::Image, MediaKind::Video, MediaKind::File])),
            (Field::SystemMedia, Rule::Lacks("instructions are text")),
            (Field::ProviderTools, Rule::Own(&["systemTool", "cachePoint"])),
            (Field::Continue, Rule::Lacks("the model is not known to go on with an answer")),
        ],
    },
    Row {
        wires: WIRES,
        hosts: &[],
        models: &["*claude*"],
        source: MODELS,
        rules: &[(Field::Budget, Rule::Sent)],
    },
    Row {
        wires: WIRES,
        hosts: &[],
        models: &["*mistral*"],
        source: MODELS,
        rules: &[(Field::TopK, Rule::Sent)],
    },
    Row {
        wires: WIRES,
        hosts: &[],
        models: &["*nova*"],
        source: "https://docs.aws.amazon.com/nova/latest/nova2-userguide/extended-thinking.html",
        rules: &[(Field::TopK, Rule::Sent), (Field::Effort, Rule::Efforts(&[None, Low, Medium, High]))],
    },
    // A last message of the assistant is there "for prefilling assistant response".
    Row {
        wires: WIRES,
        hosts: &[],
        models: &["*nova*"],
        source: "https://docs.aws.amazon.com/nova/latest/nova2-userguide/request-response-schema.html",
        rules: &[(Field::Continue, Rule::Continues(&[]))],
    },
    Row {
        wires: WIRES,
        hosts: &[],
        models: &["*openai.*", "*qwen*"],
        source: MODELS,
        rules: &[(Field::Effort, Rule::Efforts(&[Low, Medium, High]))],
    },
];
