fn main() {
    mixq_build::build();
    // What fits beside the network; a product has a camera instead.
    mixq_build::test_images("cifar10", 100);
    // Where the linker finds memory.x.
    println!("cargo::rustc-link-search={}", env!("CARGO_MANIFEST_DIR"));
    println!("cargo::rerun-if-changed=memory.x");
}
