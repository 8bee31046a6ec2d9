//! What wraps a service.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use async_trait::async_trait;

use crate::context::{Context, Lent};
use crate::error::Result;
use crate::events::Events;
use crate::request::Request;
use crate::service::{Info, Service, Stack};

/// A layer of the pipeline. It is a value that owns the state its wrappers share; wrappers are cheap.
///
/// Both hooks have a default, so a layer says only what it does.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a layer",
    note = "implement `Layer`, or make one from a closure with `layer_fn`"
)]
pub trait Layer: Send + Sync + fmt::Debug + Any {
    /// Wraps what answers.
    fn layer(&self, inner: Stack) -> Stack {
        inner
    }

    /// Wraps what is lent: the clock, randomness, work, the network.
    fn equip(&self, lent: Lent) -> Lent {
        lent
    }

    /// The layers inside of it that are not its own: those of a route's targets.
    fn inside(&self) -> Vec<Arc<dyn Layer>> {
        Vec::new()
    }

    /// Takes over the state of the layer it replaces on a reload: counters, breakers, caches.
    fn adopt(&mut self, _previous: &dyn Layer) {}
}

/// A layer from one closure over owned values.
///
/// ```
/// use belvedere_core::layer::layer_fn;
///
/// let logged = layer_fn("logged", |cx, request, next| async move {
///     println!("call {}", cx.call.id);
///     next.call(cx, request).await
/// });
/// ```
pub fn layer_fn<F, Fut>(name: &'static str, call: F) -> LayerFn<F>
where
    F: Fn(Context, Request, Stack) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Events>> + Send + 'static,
{
    LayerFn { name, call: Arc::new(call) }
}

/// A layer from a closure; see [`layer_fn`].
pub struct LayerFn<F> {
    name: &'static str,
    call: Arc<F>,
}

impl<F> fmt::Debug for LayerFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LayerFn({})", self.name)
    }
}

impl<F, Fut> Layer for LayerFn<F>
where
    F: Fn(Context, Request, Stack) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Events>> + Send + 'static,
{
    fn layer(&self, inner: Stack) -> Stack {
        Stack::new(FnService { name: self.name, call: self.call.clone(), inner })
    }
}

struct FnService<F> {
    name: &'static str,
    call: Arc<F>,
    inner: Stack,
}

impl<F> fmt::Debug for FnService<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(self.name).field("inner", &self.inner).finish()
    }
}

#[async_trait]
impl<F, Fut> Service for FnService<F>
where
    F: Fn(Context, Request, Stack) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Events>> + Send + 'static,
{
    fn info(&self) -> Info {
        self.inner.info()
    }

    async fn call(&self, cx: Context, request: Request) -> Result<Events> {
        (self.call)(cx, request, self.inner.clone()).await
    }
}
