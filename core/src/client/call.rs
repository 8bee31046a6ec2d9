//! A call from its beginning to the stream that its caller gets.

use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::task::Poll;

use super::open::{Open, closed, failed, poll_deadline};
use super::{Client, Generation, Pinned, check_resumes};
use crate::context::{Call, Context};
use crate::control::{Asked, Control};
use crate::error::Result;
use crate::events::Events;
use crate::pause::PausePolicy;
use crate::request::{Operation, Request};
use crate::streams::Resuming;

impl Client {
    /// Begins at once what needs no waiting, so that the future holds no more than what waits.
    pub(super) fn open_call(
        &self,
        generation: Arc<Generation>,
        request: Request,
        mut call: Call,
    ) -> impl Future<Output = Result<Events>> + Send {
        let began = generation.lent.clock.now();
        let is_chat = request.operation == Operation::Chat;
        let asked = is_chat.then(|| Asked { request: request.clone(), pause: call.options.pause });
        // Layers see what holds for the call, whoever set it.
        let policy = *call.options.pause.get_or_insert(generation.rooms.settings.pause);
        let call = Arc::new(call);
        let cx = Context::new(generation.lent.clone(), call.clone());
        let control = Control::of_call(&cx, began, asked);
        async move {
            if is_chat && policy == PausePolicy::Checkpoint {
                check_resumes(&generation, "the pause policy `checkpoint`")?;
            }
            let id = call.options.stream_id.as_ref().filter(|_| is_chat);
            id.map_or(Ok(()), |id| generation.rooms.check_free(id, &call))?;
            let source = self.begin(&generation, request, &call).await?;
            self.opened(&generation, call, control, source, is_chat)
        }
    }

    /// The stream of a call, as its caller gets it: with its control, and what a pause or a reader of it needs.
    fn opened(
        &self,
        generation: &Arc<Generation>,
        call: Arc<Call>,
        control: Box<Control>,
        source: Events,
        is_chat: bool,
    ) -> Result<Events> {
        let Generation { lent, rooms, .. } = &**generation;
        let policy = call.options.pause.unwrap_or_default();
        if let Some(id) = call.options.stream_id.as_ref().filter(|_| is_chat) {
            let log = rooms.open(id, source, &call, lent)?;
            return Ok(log.reader()?.into_events().controlled(control.with_buffer(0)));
        }
        if !is_chat || policy == PausePolicy::Backpressure {
            return Ok(source.controlled(control.with_buffer(rooms.settings.buffer)));
        }
        let log = rooms.pause_log(source, &call, lent, policy);
        let reader = log.reader()?;
        let controller = control.controller();
        controller.set_log(&log, None);
        let events = match policy {
            PausePolicy::Checkpoint => {
                let pinned = Pinned { client: self.clone(), generation: generation.clone() };
                Events::new(Resuming::new(pinned, call, controller, log, reader))
            }
            _ => reader.into_events(),
        };
        Ok(events.controlled(control.with_buffer(0)))
    }

    /// Calls the stack; gives its stream, held to the call's deadline.
    pub(super) async fn begin(
        &self,
        generation: &Generation,
        request: Request,
        call: &Arc<Call>,
    ) -> Result<Events> {
        let Generation { lent, stack, .. } = generation;
        let limit = call.options.timeout;
        let call = call.clone();
        let ticket = self.open.enter(call.cancel.clone())?;
        let cx = Context::new(lent.clone(), call.clone());
        let mut deadline = limit.map(|limit| (lent.clock.sleep(limit), limit));
        let mut cancel = call.cancel.waiter();
        // Boxed, so that it can be gone before its attempts are listed: each has its end by then.
        let mut answer = stack.call(cx, request);
        let answered = poll_fn(|poller| {
            if cancel.is_given() {
                return Poll::Ready(Err(closed()));
            }
            if let Poll::Ready(answer) = answer.as_mut().poll(poller) {
                return Poll::Ready(answer);
            }
            if cancel.listen(poller).is_ready() {
                return Poll::Ready(Err(closed()));
            }
            poll_deadline(&mut deadline, &call, poller).map(Err)
        })
        .await;
        drop(answer);
        let events = answered.map_err(|error| failed(error, &call, lent))?;
        Ok(Events::new(Open::new(events, deadline, call, lent.clone(), ticket)))
    }
}
