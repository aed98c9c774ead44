// bindgen has made this of mixq-c10d/c10d/shim.h: `cargo xtask bindings`.

#[repr(C)]
#[derive(Debug)]
pub struct mixq_c10d_store {
    _unused: [u8; 0],
}
#[repr(C)]
#[derive(Debug)]
pub struct mixq_c10d_group {
    _unused: [u8; 0],
}
unsafe extern "C" {
    pub fn mixq_c10d_store_open(
        host: *const ::std::os::raw::c_char,
        port: ::std::os::raw::c_ushort,
        serve: ::std::os::raw::c_int,
        prefix: *const ::std::os::raw::c_char,
        timeout_ms: ::std::os::raw::c_longlong,
        out: *mut *mut mixq_c10d_store,
    ) -> *mut ::std::os::raw::c_char;
}
unsafe extern "C" {
    pub fn mixq_c10d_store_set(
        store: *mut mixq_c10d_store,
        key: *const ::std::os::raw::c_char,
        bytes: *const ::std::os::raw::c_uchar,
        count: ::std::os::raw::c_ulong,
    ) -> *mut ::std::os::raw::c_char;
}
unsafe extern "C" {
    pub fn mixq_c10d_store_get(
        store: *mut mixq_c10d_store,
        key: *const ::std::os::raw::c_char,
        timeout_ms: ::std::os::raw::c_longlong,
        out: *mut *mut ::std::os::raw::c_uchar,
        count: *mut ::std::os::raw::c_ulong,
    ) -> *mut ::std::os::raw::c_char;
}
unsafe extern "C" {
    pub fn mixq_c10d_store_has(
        store: *mut mixq_c10d_store,
        key: *const ::std::os::raw::c_char,
        out: *mut ::std::os::raw::c_int,
    ) -> *mut ::std::os::raw::c_char;
}
unsafe extern "C" {
    pub fn mixq_c10d_store_add(
        store: *mut mixq_c10d_store,
        key: *const ::std::os::raw::c_char,
        number: ::std::os::raw::c_longlong,
        out: *mut ::std::os::raw::c_longlong,
    ) -> *mut ::std::os::raw::c_char;
}
unsafe extern "C" {
    pub fn mixq_c10d_store_close(store: *mut mixq_c10d_store);
}
unsafe extern "C" {
    pub fn mixq_c10d_group_open(
        store: *mut mixq_c10d_store,
        rank: ::std::os::raw::c_int,
        size: ::std::os::raw::c_int,
        interface: *const ::std::os::raw::c_char,
        address: *const ::std::os::raw::c_char,
        timeout_ms: ::std::os::raw::c_longlong,
        out: *mut *mut mixq_c10d_group,
    ) -> *mut ::std::os::raw::c_char;
}
unsafe extern "C" {
    pub fn mixq_c10d_group_set_timeout(
        group: *mut mixq_c10d_group,
        timeout_ms: ::std::os::raw::c_longlong,
    ) -> *mut ::std::os::raw::c_char;
}
unsafe extern "C" {
    pub fn mixq_c10d_all_gather(
        group: *mut mixq_c10d_group,
        in_: *const ::std::os::raw::c_void,
        out: *mut ::std::os::raw::c_void,
    ) -> *mut ::std::os::raw::c_char;
}
unsafe extern "C" {
    pub fn mixq_c10d_has_nccl() -> ::std::os::raw::c_int;
}
unsafe extern "C" {
    pub fn mixq_c10d_nccl_open(
        store: *mut mixq_c10d_store,
        rank: ::std::os::raw::c_int,
        size: ::std::os::raw::c_int,
        gpu: ::std::os::raw::c_int,
        timeout_ms: ::std::os::raw::c_longlong,
        out: *mut *mut mixq_c10d_group,
    ) -> *mut ::std::os::raw::c_char;
}
unsafe extern "C" {
    pub fn mixq_c10d_nccl_begin(
        group: *mut mixq_c10d_group,
        in_: *const ::std::os::raw::c_void,
        out: *mut ::std::os::raw::c_void,
    ) -> *mut ::std::os::raw::c_char;
}
unsafe extern "C" {
    pub fn mixq_c10d_nccl_wait(
        group: *mut mixq_c10d_group,
        timeout_ms: ::std::os::raw::c_longlong,
        out: *mut ::std::os::raw::c_int,
    ) -> *mut ::std::os::raw::c_char;
}
unsafe extern "C" {
    pub fn mixq_c10d_broadcast(
        group: *mut mixq_c10d_group,
        tensor: *mut ::std::os::raw::c_void,
        root: ::std::os::raw::c_int,
    ) -> *mut ::std::os::raw::c_char;
}
unsafe extern "C" {
    pub fn mixq_c10d_group_close(group: *mut mixq_c10d_group);
}
unsafe extern "C" {
    pub fn mixq_c10d_free(memory: *mut ::std::os::raw::c_void);
}
