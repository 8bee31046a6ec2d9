//! What a table of capabilities is made of: fields, and rules for them.

use belvedere_core::message::MediaKind;
use belvedere_core::request::Effort;

use super::table;

/// What a rule is about: a parameter of a request, or a kind of content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    Temperature,
    TopP,
    TopK,
    MaxTokens,
    Stop,
    Seed,
    N,
    PresencePenalty,
    FrequencyPenalty,
    Logprobs,
    TopLogprobs,
    /// `reasoning.effort`.
    Effort,
    /// `reasoning.max_tokens`.
    Budget,
    /// How thinking is switched on for an effort.
    Switch,
    User,
    /// Functions of the client.
    Tools,
    /// `strict` of a function.
    ToolStrict,
    /// Tools the provider runs.
    ProviderTools,
    ChoiceNone,
    ChoiceRequired,
    ChoiceFunction,
    /// The switch for several calls at once.
    Parallel,
    JsonObject,
    JsonSchema,
    /// The JSON Schema that a strict schema may use.
    Dialect,
    Image,
    Audio,
    Video,
    File,
    /// Media in the result of a tool.
    ToolMedia,
    /// Media in instructions.
    SystemMedia,
    /// Media that the model wrote, carried back.
    OwnMedia,
    /// `dimensions` of embeddings.
    Dimensions,
    /// `user` of embeddings.
    EmbedUser,
    /// The name of a message's speaker.
    Speaker,
    /// Whether an answer can be gone on with.
    Continue,
}

impl Field {
    /// How many there are.
    pub(crate) const COUNT: usize = Field::Continue as usize + 1;

    /// Its place in a request.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Field::Temperature => "temperature",
            Field::TopP => "top_p",
            Field::TopK => "top_k",
            Field::MaxTokens => "max_tokens",
            Field::Stop => "stop",
            Field::Seed => "seed",
            Field::N => "n",
            Field::PresencePenalty => "presence_penalty",
            Field::FrequencyPenalty => "frequency_penalty",
            Field::Logprobs => "logprobs",
            Field::TopLogprobs => "top_logprobs",
            Field::Effort | Field::Switch => "reasoning.effort",
            Field::Budget => "reasoning.max_tokens",
            Field::User | Field::EmbedUser => "user",
            Field::Tools | Field::ProviderTools => "tools",
            Field::ToolStrict => "tools.strict",
            Field::ChoiceNone | Field::ChoiceRequired | Field::ChoiceFunction => "tool_choice",
            Field::Parallel => "parallel_tool_calls",
            Field::JsonObject | Field::JsonSchema => "response_format",
            Field::Dialect => "response_format.json_schema.schema",
            Field::Image => "image",
            Field::Audio => "audio",
            Field::Video => "video",
            Field::File => "file",
            Field::ToolMedia | Field::SystemMedia | Field::OwnMedia => "content",
            Field::Dimensions => "dimensions",
            Field::Speaker => "name",
            Field::Continue => "continue_final_message",
        }
    }
}

impl From<MediaKind> for Field {
    fn from(kind: MediaKind) -> Self {
        match kind {
            MediaKind::Image => Field::Image,
            MediaKind::Audio => Field::Audio,
            MediaKind::Video => Field::Video,
            MediaKind::File => Field::File,
        }
    }
}

/// What a target does with a field.
#[derive(Debug, PartialEq)]
pub(crate) enum Rule {
    /// It is sent.
    Sent,
    /// It is lacking, for this reason.
    Lacks(&'static str),
    /// A number is sent within bounds.
    Number(Number),
    /// A list of at most so many is sent.
    AtMost(usize),
    /// It is sent while the model does not think.
    Quiet(Thinking),
    /// These words are taken. One that is missing is sent as the next that means more, or as the greatest there is;
    /// `none` is never sent as another.
    Efforts(&'static [Effort]),
    /// There are no words for thinking: an effort is sent as a budget of so many tokens.
    Budgets(&'static [(Effort, u64)]),
    /// The model never thinks. An effort of `none` asks for no more than that.
    Thoughtless(&'static str),
    /// An effort has to be told beside the switch that lets the model decide how much it thinks.
    Adaptive,
    /// Media from these sources are taken.
    From(Sources),
    /// Media of these kinds are taken.
    Kinds(&'static [MediaKind]),
    /// Sound goes back by the id the provider gave it; other media do not.
    SoundById,
    /// Media go back directly behind the part of the wire's own that they belong to; others do not.
    BehindOwn,
    /// Tools the provider runs are taken, except those known to be another wire's. These are its own, by `type`; a
    /// star stands for any rest.
    Own(&'static [&'static str]),
    /// A part of JSON Schema is taken.
    Dialect(&'static Dialect),
    /// The answer goes on where the last message ends, unless one of these is asked for as well.
    Continues(&'static [Unless]),
}

/// What an answer can't be gone on with beside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unless {
    /// The model thinks.
    Thinks(Thinking),
    /// The answer is to be a JSON object.
    JsonObject,
    /// The answer is to follow a schema.
    JsonSchema,
}

/// The bounds of a number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Number {
    pub(crate) min: f64,
    pub(crate) max: f64,
    /// A field it can't be sent beside.
    pub(crate) not_with: Option<Field>,
    /// Narrower bounds while the model thinks.
    pub(crate) thinking: Option<(Thinking, f64, f64)>,
}

impl Number {
    pub(crate) const fn new(min: f64, max: f64) -> Self {
        Number { min, max, not_with: None, thinking: None }
    }

    pub(crate) const fn not_with(self, field: Field) -> Self {
        Number { not_with: Some(field), ..self }
    }

    pub(crate) const fn thinking(self, when: Thinking, min: f64, max: f64) -> Self {
        Number { thinking: Some((when, min, max)), ..self }
    }
}

/// What makes the model think.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Thinking {
    /// A budget of tokens.
    Budget,
    /// A budget, or an effort that is not `none`.
    Asked,
}

/// Where the bytes of media may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sources {
    pub(crate) data: bool,
    /// What an address has to begin with; `None`: no address is taken.
    pub(crate) url: Option<&'static str>,
    pub(crate) id: bool,
}

/// A part of JSON Schema.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Dialect {
    /// The keywords that are missing.
    pub(crate) lacks: &'static [&'static str],
    /// The formats of strings that are known; empty: all.
    pub(crate) formats: &'static [&'static str],
    /// The greatest `minItems`.
    pub(crate) min_items: Option<u64>,
    /// Whether it holds for schemas that are not `strict`, too.
    pub(crate) always: bool,
}

/// Rules for some targets.
#[derive(Debug)]
pub(crate) struct Row {
    /// The wires.
    pub(crate) wires: &'static [&'static str],
    /// The servers, by name; empty: all.
    pub(crate) hosts: &'static [&'static str],
    /// The models; empty: all. A star stands for any text.
    pub(crate) models: &'static [&'static str],
    /// Where it is documented.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "it is for readers, and for the page that a test writes")
    )]
    pub(crate) source: &'static str,
    /// The rules. Those of later rows win.
    pub(crate) rules: &'static [(Field, Rule)],
}

impl Row {
    fn is_for(&self, wire: &str, host: &str, model: &str) -> bool {
        self.wires.contains(&wire)
            && (self.hosts.is_empty() || self.hosts.contains(&host))
            && (self.models.is_empty() || self.models.iter().any(|pattern| matches(pattern, model)))
    }
}

/// The rules of one target.
#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) wire: &'static str,
    rules: [&'static Rule; Field::COUNT],
}

impl Rules {
    /// Everything is sent.
    pub(crate) fn new(wire: &'static str) -> Self {
        Rules { wire, rules: [&Rule::Sent; Field::COUNT] }
    }

    /// With the rows of the table for a model of a server.
    pub(crate) fn with_rows(mut self, host: &str, model: &str) -> Self {
        for row in table::rows().filter(|row| row.is_for(self.wire, host, model)) {
            row.rules.iter().for_each(|(field, rule)| self.set(*field, rule));
        }
        self
    }

    pub(crate) fn set(&mut self, field: Field, rule: &'static Rule) {
        if let Some(own) = self.rules.get_mut(field as usize) {
            *own = rule;
        }
    }

    pub(crate) fn get(&self, field: Field) -> &'static Rule {
        self.rules.get(field as usize).copied().unwrap_or(&Rule::Sent)
    }
}

/// True when a text is what the pattern says; a star in it stands for any text.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    // Most differ in the first letter: the table is looked through with every call.
    if !pattern.starts_with('*') && pattern.as_bytes().first() != text.as_bytes().first() {
        return false;
    }
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(head) else { return false };
    let mut pieces = rest.split('*').peekable();
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return text.ends_with(piece);
        }
        match text.split_once(piece) {
            Some((_, after)) => text = after,
            None => return false,
        }
    }
    true
}
