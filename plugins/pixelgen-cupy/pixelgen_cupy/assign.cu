// Each point to its nearest centre, and the sums of each centre, in one pass over the points.
//
// Compiled with REAL (float or double) and CHANNELS (3 or 4). All numbers are whole: places and
// centres are in the same fractions of a feature step and small enough for squared distances to be
// exact in REAL; sums are exact in double. So neither the order of the additions nor fused products
// change any bit of the result. Of equally near centres the first is taken.
//
// A block works on POINTS points a thread at a time. Centres go through shared memory, `tile` at a
// time. Where k is small enough, a block adds up in shared memory (`own`) and hands its sums over at
// the end; otherwise it adds to the totals directly.

#define POINTS 4

extern "C" __global__ void assign(
    const REAL *__restrict__ places,     // (CHANNELS, n)
    const double *__restrict__ weights,  // (n)
    const double *__restrict__ sums,     // (CHANNELS, n)
    const long long n,
    const REAL *__restrict__ centres,  // (k, CHANNELS)
    const int k,
    const int tile,
    const int is_own,
    int *__restrict__ labels,  // (n)
    double *totals)            // (CHANNELS + 1, k): the sums, then the weights
{
    extern __shared__ double shared[];
    REAL *near = (REAL *)shared;
    double *own = shared + (tile * CHANNELS * sizeof(REAL) + 7) / 8;
    double *to = is_own ? own : totals;

    if (is_own) {
        for (int i = threadIdx.x; i < k * (CHANNELS + 1); i += blockDim.x) own[i] = 0.0;
        __syncthreads();
    }
    const long long span = (long long)blockDim.x * POINTS;
    for (long long base = blockIdx.x * span; base < n; base += gridDim.x * span) {
        REAL x[POINTS][CHANNELS];
        REAL best[POINTS];
        int label[POINTS];
#pragma unroll
        for (int p = 0; p < POINTS; ++p) {
            const long long i = base + (long long)p * blockDim.x + threadIdx.x;
#pragma unroll
            for (int c = 0; c < CHANNELS; ++c) x[p][c] = i < n ? places[c * n + i] : (REAL)0;
            best[p] = (REAL)1e30;
            label[p] = 0;
        }
        for (int first = 0; first < k; first += tile) {
            const int count = min(tile, k - first);
            __syncthreads();  // the tile before is no longer in use
            for (int j = threadIdx.x; j < count * CHANNELS; j += blockDim.x)
                near[j] = centres[first * CHANNELS + j];
            __syncthreads();
            for (int j = 0; j < count; ++j) {
#pragma unroll
                for (int p = 0; p < POINTS; ++p) {
                    REAL distance = (REAL)0;
#pragma unroll
                    for (int c = 0; c < CHANNELS; ++c) {
                        const REAL apart = x[p][c] - near[j * CHANNELS + c];
                        distance += apart * apart;
                    }
                    if (distance < best[p]) {
                        best[p] = distance;
                        label[p] = first + j;
                    }
                }
            }
        }
#pragma unroll
        for (int p = 0; p < POINTS; ++p) {
            const long long i = base + (long long)p * blockDim.x + threadIdx.x;
            if (i < n) {
                labels[i] = label[p];
#pragma unroll
                for (int c = 0; c < CHANNELS; ++c)
                    atomicAdd(to + c * k + label[p], sums[c * n + i]);
                atomicAdd(to + CHANNELS * k + label[p], weights[i]);
            }
        }
    }
    if (is_own) {
        __syncthreads();
        for (int i = threadIdx.x; i < k * (CHANNELS + 1); i += blockDim.x)
            if (own[i] != 0.0) atomicAdd(totals + i, own[i]);
    }
}
