//! What the processes of a group do.

use std::time::{Duration, Instant};

use mixq_c10d::{Contract, Error, Group, Options, shards, tree_sum};
use tch::{Device, Kind, Tensor};

use crate::launch::{CALLS, JOINING, ROLE};

type Result<T> = std::result::Result<T, Error>;

/// What a process must have in common with the others, and what it should.
pub const DATA: &str = "MIXQ_TEST_DATA";
pub const CPU: &str = "MIXQ_TEST_CPU";
/// Leaves of the tree.
pub const LEAVES: &str = "MIXQ_TEST_LEAVES";

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[test]
#[ignore = "the other tests start it, as a process of a group"]
fn process() {
    let role = variable(ROLE).expect("the other tests say what it does");
    println!("\nstarted");
    match run(&role) {
        Ok(result) => println!("result: {result}"),
        Err(error) => {
            println!("error: {error}");
            std::process::exit(1);
        }
    }
}

fn join() -> Result<Group> {
    let mut options = Options::from_env(variable)?.expect("a group");
    let time = |name| variable(name).map_or(30_000, |text| text.parse().unwrap());
    options.joining = Duration::from_millis(time(JOINING));
    options.collectives = Duration::from_millis(time(CALLS));
    let value = |name| variable(name).unwrap_or_default();
    Group::join(&options, &Contract::new().must("data", value(DATA)).should("CPU", value(CPU)))
}

fn run(role: &str) -> Result<String> {
    let mut group = join()?;
    let rank = group.rank();
    let result = match role {
        "join" => group.warnings().join("; "),
        "serve" => {
            println!("ready");
            std::thread::sleep(Duration::from_secs(600));
            String::new()
        }
        "gather" => gather(&mut group)?,
        "broadcast" => broadcast(&mut group)?,
        "bytes" => format!("{:?}", group.all_gather_bytes(&vec![rank as u8; rank])?),
        "tree" => tree(&mut group)?,
        "pace" => pace(&mut group)?,
        "agree" => agree(&mut group)?,
        // Rank 1 has none.
        "gpus" => {
            let found = [Some(rank), (rank != 1).then_some(0), None].map(|gpu| group.connect_gpus(gpu));
            format!("{:?} {}", found.into_iter().collect::<Result<Vec<_>>>()?, gather(&mut group)?)
        }
        "refuse" => refuse(&mut group)?,
        "calls" => return endless(&mut group),
        "hang" if rank == 1 => {
            group.barrier()?;
            println!("ready");
            std::thread::sleep(Duration::from_secs(600));
            String::new()
        }
        "hang" => return endless(&mut group),
        "leave" if rank == 1 => {
            group.barrier()?;
            return Ok("left".into());
        }
        "leave" => return endless(&mut group),
        "differ" if rank == 1 => format!("{:?}", group.all_gather(&values(1, &[2]))?),
        "differ" => format!("{:?}", group.barrier()?),
        _ => panic!("no role {role}"),
    };
    // No process leaves while others still read.
    group.barrier()?;
    Ok(result)
}

/// Calls until one fails, and once more: the group has ended then.
fn endless(group: &mut Group) -> Result<String> {
    group.barrier()?;
    println!("ready");
    let tensor = values(group.rank(), &[100_000]);
    loop {
        if let Err(error) = group.all_gather(&tensor) {
            assert_eq!(group.barrier(), Err(error.clone()));
            assert!(group.tree_sum(&[], 0).is_err());
            return Err(error);
        }
    }
}

/// Numbers that are different for each rank and place.
pub fn value(rank: usize, place: usize) -> f32 {
    (rank as f32 + 0.25) * (place as f32 - 7.5)
}

fn values(rank: usize, shape: &[i64]) -> Tensor {
    let count: i64 = shape.iter().product();
    let values: Vec<f32> = (0..count as usize).map(|place| value(rank, place)).collect();
    Tensor::from_slice(&values).view(shape)
}

/// Tensors of several shapes and kinds, also some that are not in a row or have gradients.
fn gather(group: &mut Group) -> Result<String> {
    let rank = group.rank();
    let own = values(rank, &[2, 3]);
    let all = group.all_gather(&own)?;
    let turned = group.all_gather(&own.transpose(0, 1).set_requires_grad(true))?;
    for (one, other) in all.iter().zip(&turned) {
        assert_eq!(one.transpose(0, 1), *other);
        assert!(!other.requires_grad());
    }
    for kind in [
        Kind::Uint8,
        Kind::Int8,
        Kind::Int,
        Kind::Int64,
        Kind::Half,
        Kind::BFloat16,
        Kind::Double,
        Kind::Bool,
    ] {
        let found = group.all_gather(&own.to_kind(kind))?;
        for (rank, found) in found.iter().enumerate() {
            assert_eq!((found.kind(), found), (kind, &values(rank, &[2, 3]).to_kind(kind)));
        }
    }
    // As many rows as the rank says: none in rank 0.
    let ragged = group.all_gather(&values(rank, &[rank as i64, 2]))?;
    for (rank, found) in ragged.iter().enumerate() {
        assert_eq!(*found, values(rank, &[rank as i64, 2]));
    }
    let large = group.all_gather(&values(rank, &[1_000_003]))?;
    for (rank, found) in large.iter().enumerate() {
        assert_eq!(*found, values(rank, &[1_000_003]));
    }
    let none = group.all_gather(&Tensor::zeros([0, 4], (Kind::Float, Device::Cpu)))?;
    assert!(none.iter().all(|tensor| tensor.size() == [0, 4]));
    let scalars: Vec<Tensor> = group.all_gather(&Tensor::from(rank as f32))?;
    assert!(scalars.iter().zip(0..).all(|(tensor, rank)| tensor.double_value(&[]) == f64::from(rank)));
    let flat = |tensor: &Tensor| Vec::<f32>::try_from(tensor.flatten(0, -1)).unwrap();
    Ok(format!("{:?}", all.iter().map(flat).collect::<Vec<_>>()))
}

/// From each rank in turn.
fn broadcast(group: &mut Group) -> Result<String> {
    let mut all = Vec::new();
    for root in 0..group.size() {
        let own = values(group.rank(), &[3, 1]);
        // What others than the root give does not matter.
        let found = group.broadcast(root, (group.rank() >= root).then_some(&own))?;
        assert_eq!(found.size(), [3, 1]);
        all.push(Vec::<f32>::try_from(found.flatten(0, -1)).unwrap());
        let bytes = vec![root as u8; 100_001 * root];
        let found = group.broadcast_bytes(root, (group.rank() == root).then_some(&bytes))?;
        assert_eq!(found, bytes);
    }
    Ok(format!("{all:?}"))
}

/// Elements of a leaf.
pub const LEAF: usize = 1000;

/// Values of very different sizes, so that their sums depend on the order.
pub fn leaf(number: usize) -> Vec<f32> {
    let mut state = number as u64 + 1;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / 16_777_216.0 - 0.5
    };
    (0..LEAF).map(|_| random() * (random() * 16.0).exp2()).collect()
}

/// The bits of the sum of all leaves.
fn tree(group: &mut Group) -> Result<String> {
    let total = variable(LEAVES).unwrap().parse().unwrap();
    let tensor = |number| Tensor::from_slice(&leaf(number));
    let own: Vec<Tensor> = shards(group.rank(), group.size(), total).map(tensor).collect();
    let sum = group.tree_sum(&own, total)?;
    assert_eq!(sum, tree_sum(&(0..total).map(tensor).collect::<Vec<_>>())?);
    Ok(bits(&Vec::<f32>::try_from(sum).unwrap()))
}

/// Least milliseconds of a sum, by the number of elements of a leaf.
fn pace(group: &mut Group) -> Result<String> {
    let mut least = Vec::new();
    for elements in [1_000, 100_000, 800_000, 4_000_000] {
        let leaf = [values(group.rank(), &[elements])];
        let mut time = || {
            let start = Instant::now();
            group.tree_sum(&leaf, group.size()).map(|_| start.elapsed().as_secs_f64() * 1e3)
        };
        let times = (0..20).map(|_| time()).collect::<Result<Vec<f64>>>()?;
        least.push((elements, times.into_iter().fold(f64::INFINITY, f64::min)));
    }
    Ok(format!("{least:.2?}"))
}

/// FNV-1a of all bits.
pub fn bits(values: &[f32]) -> String {
    let mix = |hash: u64, value: &f32| {
        value
            .to_le_bytes()
            .iter()
            .fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
    };
    format!("{:016x}", values.iter().fold(0xcbf2_9ce4_8422_2325, mix))
}

/// After joining.
fn agree(group: &mut Group) -> Result<String> {
    let rank = group.rank().to_string();
    let same = Contract::new().must("task", "digits");
    assert_eq!(group.agree(&same)?, Vec::<String>::new());
    let warnings = group.agree(&same.clone().should("threads", &rank))?;
    let error = group.agree(&same.must("threads", &rank)).unwrap_err();
    // The group goes on after that.
    group.barrier()?;
    Ok(format!("{}; {}", warnings.join(" "), error.message()))
}

/// What is refused before anything is sent: the group goes on after each.
fn refuse(group: &mut Group) -> Result<String> {
    let floats = values(0, &[2]);
    assert!(group.all_gather(&Tensor::new()).is_err());
    assert!(group.all_gather(&Tensor::zeros([2], (Kind::ComplexFloat, Device::Cpu))).is_err());
    assert!(group.broadcast(group.size(), Some(&floats)).is_err());
    assert!(group.broadcast(group.rank(), None).is_err());
    assert!(group.tree_sum(&[], 2).is_err());
    assert!(group.tree_sum(&[floats.shallow_clone(), floats.shallow_clone()], 2).is_err());
    assert!(group.tree_sum(&[values(0, &[2]).to_kind(Kind::Int)], 2).is_err());
    Ok("refused".into())
}
