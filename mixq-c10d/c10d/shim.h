/* The part of libtorch's c10d that mixq uses, as C. bindgen reads this file alone: it includes nothing.
 *
 * Functions that can fail return null, or a message that `mixq_c10d_free` frees; then nothing is written
 * through `out`. No exception leaves a function. Tensors are `at::Tensor *`: they must be bytes in a row on
 * the device of the group, or the function fails. */
#ifdef __cplusplus
extern "C" {
#endif

/* A connection to the store: keys and values that all processes see. All functions may be called at the same
 * time from several threads. */
typedef struct mixq_c10d_store mixq_c10d_store;

/* One process in its group. One call at a time. */
typedef struct mixq_c10d_group mixq_c10d_group;

/* Connects to the store at `host`:`port`. If `serve` is not 0, this process serves it as long as the store is
 * open. All keys of this connection begin with `prefix`. If something else answers at this port, it may never
 * return. */
char *mixq_c10d_store_open(const char *host, unsigned short port, int serve, const char *prefix,
                           long long timeout_ms, mixq_c10d_store **out);
/* Sets the value of a key: `count` bytes. */
char *mixq_c10d_store_set(mixq_c10d_store *store, const char *key, const unsigned char *bytes,
                          unsigned long count);
/* Waits until the key has a value. `mixq_c10d_free` frees the bytes. */
char *mixq_c10d_store_get(mixq_c10d_store *store, const char *key, long long timeout_ms, unsigned char **out,
                          unsigned long *count);
/* Whether the key has a value: 1 or 0. */
char *mixq_c10d_store_has(mixq_c10d_store *store, const char *key, int *out);
/* Adds to the number of a key, which is 0 at first, and says what it is then. */
char *mixq_c10d_store_add(mixq_c10d_store *store, const char *key, long long number, long long *out);
/* Null is no store. */
void mixq_c10d_store_close(mixq_c10d_store *store);

/* Connects each process with all others by Gloo; waits for all of them. They talk over the network interface
 * `interface`, or, if that is null, over the one that has `address`. */
char *mixq_c10d_group_open(mixq_c10d_store *store, int rank, int size, const char *interface,
                           const char *address, long long timeout_ms, mixq_c10d_group **out);
/* How long a later call waits for the other processes. */
char *mixq_c10d_group_set_timeout(mixq_c10d_group *group, long long timeout_ms);
/* Puts the bytes of all processes, by rank, into `out`. `in` has the same length in all processes, `out` that
 * length times the number of processes. */
char *mixq_c10d_all_gather(mixq_c10d_group *group, const void *in, void *out);
/* Whether the shim was compiled with NCCL: 1 or 0. */
int mixq_c10d_has_nccl(void);
/* Connects the GPU `gpu` of each process with those of all others by NCCL; waits for all of them. Such a
 * group has the next two functions and `mixq_c10d_group_close`. */
char *mixq_c10d_nccl_open(mixq_c10d_store *store, int rank, int size, int gpu, long long timeout_ms,
                          mixq_c10d_group **out);
/* Begins to put the bytes of all processes, by rank, into `out`, as `mixq_c10d_all_gather` does. */
char *mixq_c10d_nccl_begin(mixq_c10d_group *group, const void *in, void *out);
/* Waits for what was begun, but no longer than `timeout_ms`. Whether it is done: 1 or 0. */
char *mixq_c10d_nccl_wait(mixq_c10d_group *group, long long timeout_ms, int *out);
/* Puts the bytes of the process `root` into the tensor of all others, which have the same length. */
char *mixq_c10d_broadcast(mixq_c10d_group *group, void *tensor, int root);
/* Closes the connections. Null is no group. */
void mixq_c10d_group_close(mixq_c10d_group *group);

void mixq_c10d_free(void *memory);

#ifdef __cplusplus
}
#endif
