//! A layer that sees what passes between two layers, and holds it to the laws.

use async_trait::async_trait;

use belvedere::context::Context;
use belvedere::event::Notice;
use belvedere::events::{Closing, End, Observer, watch};
use belvedere::laws::Laws;
use belvedere::layer::Layer;
use belvedere::service::{Info, Service, Stack};
use belvedere::{EndKind, Event, Events, Request, Result};

use super::scene::Scene;

/// A witness at one level of the stack; level 0 is the outermost.
#[derive(Debug, Clone)]
pub(super) struct Witness {
    pub(super) level: usize,
    /// The generation of the client that it belongs to.
    pub(super) generation: u64,
    /// It stands right inside of the limit.
    pub(super) counts: Option<usize>,
    pub(super) scene: Scene,
    /// How long it settles after an end; `None`: not at all.
    pub(super) settles: Option<std::time::Duration>,
}

impl Layer for Witness {
    fn layer(&self, inner: Stack) -> Stack {
        Stack::new(Post { witness: self.clone(), inner })
    }
}

#[derive(Debug)]
struct Post {
    witness: Witness,
    inner: Stack,
}

#[async_trait]
impl Service for Post {
    fn info(&self) -> Info {
        self.inner.info()
    }

    async fn call(&self, cx: Context, request: Request) -> Result<Events> {
        let Witness { level, scene, generation, .. } = &self.witness;
        let call = call_of(&cx);
        scene.of(call, |seen| {
            seen.untold += 1;
            if *level == 0 {
                seen.calls.push(cx.call.clone());
            }
        });
        scene.note(|| format!("call {call} · level {level}: asked"));
        scene.asks(call, &cx, *level, *generation);
        if self.witness.is_counted() {
            scene.admitted(&cx, request.max_tokens);
        }
        let tokens = request.max_tokens;
        let eye = Eye { witness: self.witness.clone(), call, cx: cx.clone(), tokens, laws: Laws::default() };
        watch(&cx, self.inner.call(cx.clone(), request), eye).await
    }
}

/// Which call of the run this is.
fn call_of(cx: &Context) -> usize {
    cx.call.scope.session.as_deref().and_then(|session| session.parse().ok()).unwrap_or_default()
}

struct Eye {
    witness: Witness,
    call: usize,
    cx: Context,
    tokens: Option<u64>,
    laws: Laws,
}

impl Witness {
    fn is_counted(&self) -> bool {
        self.counts == Some(self.level)
    }
}

impl Observer for Eye {
    fn event(&mut self, event: &Event) {
        let Eye { witness: Witness { level, scene, .. }, call, laws, .. } = self;
        if let Err(breach) = laws.event(event) {
            scene.breach("grammar", format_args!("call {call}, level {level}: {breach}"));
        }
        if *level == 0 {
            scene.of(*call, |seen| match event {
                Event::Notice(Notice::Restart { .. }) => seen.given = 0,
                event => seen.given += event.delta().map_or(0, str::len),
            });
        }
        scene.note(|| {
            let json = serde_json::to_string(event).unwrap_or_default();
            format!("call {call} · level {level}: {json}")
        });
    }

    fn end(self: Box<Self>, end: End<'_>) -> Closing {
        let is_counted = self.witness.is_counted();
        let Eye { witness: Witness { level, scene, settles, .. }, call, cx, tokens, laws } = *self;
        if is_counted {
            scene.returned(&cx, tokens);
        }
        let kind = end.kind();
        if let (EndKind::Finished, Err(breach)) = (kind, laws.finished()) {
            scene.breach("grammar", format_args!("call {call}, level {level}: {breach}"));
        }
        scene.of(call, |seen| {
            seen.untold = seen.untold.saturating_sub(1);
            seen.told.push((cx.call.id, level, kind));
        });
        scene.note(|| format!("call {call} · level {level}: told {kind:?}"));
        match settles {
            Some(time) => Closing::Work(Box::pin(async move {
                cx.lent.clock.sleep(time).await;
                scene.note(|| format!("call {call} · level {level}: settled"));
            })),
            None => Closing::Done,
        }
    }
}
