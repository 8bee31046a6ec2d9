//! The wires that upstreams of the simulation speak.

use std::sync::{Arc, OnceLock};

use belvedere::endpoint::Endpoint;
use belvedere::framing::aws_message;
use belvedere::providers;
use belvedere::service::Info;
use belvedere::wire::{Decoder, Framing, Lack, Provider};
use belvedere::{Request, Result, SmolStr};
use bytes::{Bytes, BytesMut};

/// One wire: both of its sides, and what an answer on it can have.
#[derive(Debug)]
pub(super) struct Wire {
    pub(super) provider: Shared,
    pub(super) endpoint: Arc<dyn Endpoint>,
    pub(super) has: Has,
    /// How a streamed answer is framed.
    pub(super) framing: Framing,
}

/// What an answer on a wire can have besides text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Has {
    pub(super) reasoning: bool,
    pub(super) tools: bool,
}

const ALL: Has = Has { reasoning: true, tools: true };

/// The wires by name.
const WIRES: [(&str, Has, Framing); 9] = [
    ("openai.chat", ALL, Framing::Sse),
    ("openai.responses", ALL, Framing::Sse),
    ("anthropic.messages", ALL, Framing::Sse),
    ("google.generate", ALL, Framing::Sse),
    ("bedrock.converse", ALL, Framing::AwsEventStream),
    ("bedrock.invoke.anthropic", ALL, Framing::AwsEventStream),
    ("ollama.chat", ALL, Framing::Lines),
    ("ollama.generate", Has { reasoning: true, tools: false }, Framing::Lines),
    ("cohere.chat", ALL, Framing::Sse),
];

/// All wires, in a fixed order.
pub(super) fn all() -> &'static [Wire] {
    static WIRES_ONCE: OnceLock<Vec<Wire>> = OnceLock::new();
    WIRES_ONCE.get_or_init(|| {
        let wire = |(name, has, framing)| {
            let provider = Shared { wire: providers::wire(name, None).ok()?, name: None };
            Some(Wire { provider, endpoint: providers::endpoint(name).ok()?, has, framing })
        };
        WIRES.into_iter().filter_map(wire).collect()
    })
}

impl Wire {
    /// The wire's name.
    pub(super) fn name(&self) -> &'static str {
        self.endpoint.wire()
    }

    /// A frame with this text in it, whatever it is.
    pub(super) fn frame(&self, payload: &str) -> Bytes {
        match self.framing {
            Framing::Sse => format!("data: {payload}\n\n").into(),
            Framing::AwsEventStream => message("chunk", payload),
            _ => format!("{payload}\n").into(),
        }
    }

    /// A frame of a kind that nobody knows.
    pub(super) fn unknown(&self) -> Bytes {
        const PAYLOAD: &str = r#"{"type":"surprise","surprise":{"of":"tomorrow"}}"#;
        match self.framing {
            Framing::Sse => format!("event: surprise\ndata: {PAYLOAD}\n\n").into(),
            Framing::AwsEventStream => message("surprise", PAYLOAD),
            _ => format!("{PAYLOAD}\n").into(),
        }
    }

    /// A sign of life without content.
    pub(super) fn comment(&self) -> Bytes {
        match self.framing {
            Framing::Sse => Bytes::from_static(b": keep-alive\n\n"),
            Framing::AwsEventStream => message("ping", "{}"),
            _ => Bytes::from_static(b"\n"),
        }
    }
}

fn message(kind: &str, payload: &str) -> Bytes {
    let headers = [(":message-type", "event"), (":event-type", kind), (":content-type", "application/json")];
    let mut out = BytesMut::new();
    aws_message(&headers, payload.as_bytes(), &mut out);
    out.freeze()
}

/// A wire protocol that many clients share.
#[derive(Debug, Clone)]
pub(super) struct Shared {
    wire: Arc<dyn Provider>,
    /// What it is called instead of its wire's own name.
    name: Option<SmolStr>,
}

impl Shared {
    /// The same wire of a provider with this name.
    pub(super) fn named(&self, name: SmolStr) -> Self {
        Shared { name: Some(name), ..self.clone() }
    }
}

impl Provider for Shared {
    fn info(&self) -> Info {
        let mut info = self.wire.info();
        if let Some(name) = &self.name {
            info.name = name.clone();
        }
        info
    }

    fn base_url(&self) -> &http::Uri {
        self.wire.base_url()
    }

    fn fit(&self, request: &mut Request) -> Vec<Lack> {
        self.wire.fit(request)
    }

    fn encode(&self, request: &Request) -> Result<http::Request<Bytes>> {
        self.wire.encode(request)
    }

    fn decode(&self, request: &Request, head: &http::response::Parts) -> Result<(Framing, Box<dyn Decoder>)> {
        self.wire.decode(request, head)
    }
}
