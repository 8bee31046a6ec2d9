//! A base and the layers around it.

use std::any::Any;
use std::sync::Arc;

use crate::context::Lent;
use crate::layer::Layer;
use crate::service::Stack;

/// A base and the layers around it, outermost first: what a client calls, and what a target of a route is.
#[derive(Debug, Clone)]
pub struct Pipeline {
    base: Stack,
    layers: Vec<Arc<dyn Layer>>,
}

impl Pipeline {
    /// A pipeline without layers.
    pub fn new(base: impl Into<Stack>) -> Self {
        Pipeline { base: base.into(), layers: Vec::new() }
    }

    /// Adds a layer inside those added before.
    pub fn push(&mut self, layer: Arc<dyn Layer>) {
        self.layers.push(layer);
    }

    /// The layers, outermost first.
    pub fn layers(&self) -> &[Arc<dyn Layer>] {
        &self.layers
    }

    /// What answers: the base in all layers.
    pub fn stack(&self) -> Stack {
        self.layers.iter().rev().fold(self.base.clone(), |inner, layer| layer.layer(inner))
    }

    /// What is lent, as the layers equip it.
    pub fn equip(&self, lent: Lent) -> Lent {
        self.layers.iter().rev().fold(lent, |lent, layer| layer.equip(lent))
    }

    /// Lets each layer take over the state of its predecessor: the layer of the same type in `previous`, the first
    /// of the first, the second of the second. To be called before [`stack`](Pipeline::stack); a layer that is
    /// shared already keeps its own state.
    pub fn adopt(&mut self, previous: &Pipeline) {
        let mut left: Vec<&Arc<dyn Layer>> = previous.layers.iter().collect();
        for layer in self.layers.iter_mut().filter_map(Arc::get_mut) {
            let kind = Any::type_id(&*layer);
            let same = left.iter().position(|before| Any::type_id(before.as_ref()) == kind);
            if let Some(before) = same.map(|index| left.remove(index)) {
                layer.adopt(before.as_ref());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::testing::ScriptedService;

    #[derive(Debug)]
    struct Counts(u32);

    impl Layer for Counts {
        fn adopt(&mut self, previous: &dyn Layer) {
            if let Some(Counts(before)) = (previous as &dyn Any).downcast_ref() {
                self.0 += before;
            }
        }
    }

    #[derive(Debug)]
    struct Other;

    impl Layer for Other {}

    fn counts(pipeline: &Pipeline) -> Vec<u32> {
        let count = |layer: &Arc<dyn Layer>| {
            (layer.as_ref() as &dyn Any).downcast_ref::<Counts>().map(|counts| counts.0)
        };
        pipeline.layers.iter().filter_map(count).collect()
    }

    #[test]
    fn each_layer_adopts_the_state_of_its_predecessor() {
        let pipeline =
            |layers: Vec<Arc<dyn Layer>>| Pipeline { base: ScriptedService::new([]).into(), layers };
        let before = pipeline(vec![Arc::new(Counts(1)), Arc::new(Other), Arc::new(Counts(2))]);
        let mut after =
            pipeline(vec![Arc::new(Other), Arc::new(Counts(10)), Arc::new(Counts(20)), Arc::new(Counts(30))]);
        after.adopt(&before);
        assert_eq!(counts(&after), [11, 22, 30]);
        let shared: Arc<dyn Layer> = Arc::new(Counts(5));
        let mut after = pipeline(vec![shared.clone()]);
        after.adopt(&before);
        assert_eq!(counts(&after), [5], "who holds it elsewhere sees no change");
    }
}
