//! The form of a scenario file.

use std::collections::BTreeMap;
use std::time::Duration;

use belvedere::request::Scope;
use belvedere::testing::Reply;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One scenario.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What must hold, in a sentence; the ids of the laws and cases it stands for.
    pub about: String,
    /// The configuration document. Instead of a real address it names `http://upstream.test`.
    pub config: Value,
    /// What the network answers, one reply a request, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replies: Vec<Reply>,
    /// The calls, one after the other, but for those that say `together`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<Call>,
    /// True: what the hooks hear during each call is expected, too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub signals: bool,
    /// True: the answers of all calls are equal, as when one is streamed and the other comes whole.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub same_answers: bool,
    /// What building the client must fail with: all faults, in order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_error: Option<String>,
    /// The requests the network must have seen, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sent: Vec<Sent>,
    /// How many connections must have been closed by our side before their reply was over.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub aborted: usize,
}

fn is_zero(n: &usize) -> bool {
    *n == 0
}

/// One call.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// Which method of the client.
    pub verb: Verb,
    /// The request, as a user writes it in JSON; of `reload`, the new document. Of `resume` and `attach` there is none.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub request: Value,
    /// How much time passes before it begins, after the call before has ended.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "belvedere::duration::option")]
    pub after: Option<Duration>,
    /// With `true`, it begins at the same time as the call before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub together: bool,
    /// When the caller pauses the stream, and for how long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause: Option<Pause>,
    /// With `true`, what the stream's progress says at its end is expected, too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub progress: bool,
    /// When the caller cancels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel: Option<Cancel>,
    /// The caller drops the stream once it has taken this many events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leave: Option<usize>,
    /// Which stream `attach` reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attach: Option<Attach>,
    /// What it must give.
    #[serde(default)]
    pub expect: Expect,
}

/// A method of the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// Events, one by one.
    Stream,
    /// The events, folded into the whole answer.
    Collect,
    /// The whole answer, asked for as one.
    Complete,
    /// Vectors; the request's `input` are the texts.
    Embed,
    /// The models on offer.
    Models,
    /// Events again: of the checkpoint that the call before left behind, by way of its JSON form.
    Resume,
    /// Events again: those of a stream with an id, from an offset on.
    Attach,
    /// No call: the client takes a new document. The answer is the number of the generation that holds then.
    Reload,
}

/// Which stream a reader attaches to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attach {
    /// Its `stream_id`.
    pub id: String,
    /// The first event that is wanted, counted from 0.
    #[serde(default)]
    pub offset: u64,
    /// Whose stream it is. Default: nobody's in particular.
    #[serde(default, skip_serializing_if = "is_default")]
    pub scope: Scope,
}

fn is_default(scope: &Scope) -> bool {
    *scope == Scope::default()
}

/// A pause of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pause {
    /// It begins once this many events were taken.
    pub after_events: usize,
    /// It lasts this long.
    #[serde(rename = "for", with = "belvedere::duration")]
    pub lasts: Duration,
}

/// When the caller cancels a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cancel {
    /// After it has taken this many events of a stream.
    AfterEvents(usize),
    /// This long after the call began.
    #[serde(with = "belvedere::duration")]
    After(Duration),
}

/// What a call must give.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Expect {
    /// The events of a stream, all of them, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Value>,
    /// How it ended: that of a stream, and `cancelled` for any call that was cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
    /// The whole answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<Value>,
    /// The error, in its JSON form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Value>,
    /// The error's `Display`, word for word: it is what people read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_text: Option<String>,
    /// What the hooks heard, in order, in their JSON form without the ids of calls. Of calls that begin together, all
    /// stands at the first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub signals: Vec<Value>,
    /// What the progress of the stream says at its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<Value>,
    /// How much virtual time it took.
    #[serde(skip_serializing_if = "Option::is_none", with = "belvedere::duration::option")]
    pub took: Option<Duration>,
}

/// A request as the network saw it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sent {
    /// Method and address.
    pub line: String,
    /// The headers, without those every request has (`accept`, `content-type`).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// The body as JSON, or as text where it is none; absent when there is no body.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub body: Value,
}
