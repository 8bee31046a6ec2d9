//! What OpenAI's chat can express.

use belvedere_core::event::{FinishReason, Source};
use belvedere_core::message::{Media, MediaKind, MediaSource, Part, ToolBy};
use belvedere_core::usage::Class;
use proptest::prelude::*;
use serde_json::{Map, json};

use crate::random::{self, Can, Draw};

pub(crate) const CAN: Can = Can {
    instructions_anywhere: true,
    names: true,
    results_apart: true,
    rich_results: false,
    carries_back: false,
    refusals: true,
    media,
    parameters: &[
        "temperature",
        "top_p",
        "presence_penalty",
        "frequency_penalty",
        "max_tokens",
        "seed",
        "n",
        "logprobs",
        "top_logprobs",
    ],
    schema: None,
    settle: |request| {
        // A budget for thinking has no field, and nothing asked is nothing sent.
        if let Some(reasoning) = &mut request.reasoning {
            reasoning.max_tokens = None;
        }
        request.reasoning = request.reasoning.take().filter(|reasoning| reasoning.effort.is_some());
    },
    choices: 3,
    parts,
    source,
    logprobs: true,
    finishes: &[
        (FinishReason::Stop, "stop"),
        (FinishReason::Length, "length"),
        (FinishReason::ToolCalls, "tool_calls"),
        (FinishReason::ContentFilter, "content_filter"),
        (FinishReason::ToolCalls, "function_call"),
        (FinishReason::Error, "error"),
        (FinishReason::Other, "a_new_word"),
    ],
    classes: &[
        Class::CacheRead,
        Class::CacheWrite5m,
        Class::Reasoning,
        Class::AudioInput,
        Class::ImageInput,
        Class::VideoInput,
        Class::AudioOutput,
        Class::ImageOutput,
        Class::WebSearchCalls,
    ],
};

fn media() -> BoxedStrategy<Media> {
    let data = |kind, mime: &'static str| {
        prop::collection::vec(any::<u8>(), 1..9).prop_map(move |bytes| {
            Media::new(kind, MediaSource::Data { mime: mime.into(), data: bytes.into() })
        })
    };
    let file = data(MediaKind::File, "application/pdf").prop_map(|mut file| {
        file.name = Some("a.pdf".into());
        file
    });
    let detailed = random::picture().prop_map(|mut picture| {
        picture.extra.insert("detail".into(), json!("low"));
        picture
    });
    let by_id = "[a-z]{4}".prop_map(|id| Media::new(MediaKind::File, MediaSource::Id(id)));
    prop_oneof![random::picture(), detailed, data(MediaKind::Audio, "audio/wav"), file, by_id].boxed()
}

/// One thinking, one text, one refusal, then images, calls and OpenRouter's details: the order in which a message has them.
fn parts(draws: Vec<Draw>) -> Vec<Part> {
    let mut all: [Vec<Part>; 6] = Default::default();
    for draw in draws {
        match draw {
            Draw::Reasoning(text, more) => all[0] = vec![Part::reasoning(text + &more)],
            Draw::Text(text) => all[1] = vec![Part::text(text)],
            Draw::Refusal(text) => all[2] = vec![Part::Refusal { text }],
            Draw::Image(bytes) => {
                let source = MediaSource::Data { mime: "image/png".into(), data: bytes.into() };
                all[3].push(Part::Media(Media::new(MediaKind::Image, source)));
            }
            Draw::Call(name, input, _, field) => {
                let own = field.map(|field| ("openai.chat".to_owned(), json!({ "extra_content": field })));
                let (id, extra) = (Default::default(), Map::from_iter(own));
                all[4].push(Part::ToolCall { id, name: name.into(), input, by: ToolBy::Client, extra });
            }
            Draw::Opaque(data) => {
                let data = json!([{"type": "reasoning.encrypted", "data": data, "index": 0}]);
                all[5] = vec![Part::opaque("openai.chat", "reasoning_details", data)];
            }
        }
    }
    all.into_iter().flatten().collect()
}

fn source(part: Option<u32>, title: &str) -> Source {
    let citation = json!({"url": "https://x.example", "title": title, "start_index": 0, "end_index": 1});
    let mut source = Source::default();
    (source.part, source.url, source.title) = (part, Some("https://x.example".into()), Some(title.into()));
    source.raw = json!({"type": "url_citation", "url_citation": citation});
    source
}
