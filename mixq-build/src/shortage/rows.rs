//! Networks whose image cannot come in rows.

use mixq_format::Bits;

use crate::error::Problem;
use crate::graph::Graph;
use crate::memory::no_rows;
use crate::settings::Execution;

/// Checks that the image can come in rows, if the setting asks for that, where tensors have at most these
/// bits. `who`: what the message calls the network.
///
/// # Errors
/// It cannot: which layer is why.
pub fn check(who: &str, graph: &Graph, execution: Execution, bits: Bits) -> Result<(), Problem> {
    let reason = match execution {
        Execution::Rows => no_rows(graph, bits),
        Execution::Stripes | Execution::Whole => None,
    };
    let problem = |reason| {
        let message = format!("{who}: its image cannot come in rows: {reason}");
        let help =
            "with execution = \"stripes\" the image lies in RAM whole, and other layers may work in rows";
        Err(Problem::new(message).help(help))
    };
    reason.map_or(Ok(()), problem)
}
