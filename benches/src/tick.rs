//! `tick.ns_per_entity`: rules, change detection and encoding of one moving entity.

use std::time::Instant;

use downbeat_benches::crowd;

use crate::{Plan, figure};

pub(crate) const NAMES: [&str; 1] = ["tick.ns_per_entity"];

const ENTITIES: u32 = 2000;

/// The median over many ticks of one room, all of whose entities move.
pub(crate) fn measure(plan: &Plan) -> Result<(), String> {
    // Somebody has to look: what nobody sees is not encoded.
    let (mut room, _) = crowd(ENTITIES, 1);
    let ticks = if plan.quick { 500 } else { 5000 };
    let mut nanos: Vec<_> = (0..ticks)
        .map(|_| {
            let start = Instant::now();
            room.step_unseen();
            start.elapsed().as_nanos()
        })
        .collect();
    nanos.sort_unstable();
    let median = u32::try_from(nanos[nanos.len() / 2]).map_err(|e| e.to_string())?;
    figure(NAMES[0], f64::from(median) / f64::from(ENTITIES), "ns");
    Ok(())
}
