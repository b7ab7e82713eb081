// SPDX-License-Identifier: MIT
// Made by generate.py atomics 1 20, and laid out by clang-format.
#include "model/litmus/litmus.h"

static void atomics_1_0(void) {
    LOAD(a, x, seq_cst);
    FENCE(acquire);
    ADD(b, x, 3, relaxed);
}
static void atomics_1_1(void) {
    FENCE(seq_cst);
    ADD(c, x, 1, release);
    EXCHANGE(d, x, 2, acquire);
    LOAD(e, x, relaxed);
}
LITMUS(atomics_1, "abcdex", 9,
       OUTCOMES(0x003422, 0x010422, 0x020125, 0x020155, 0x110422, 0x120125,
                0x120155, 0x220125, 0x220155),
       atomics_1_0, atomics_1_1)

static void atomics_2_0(void) {
    STORE(x, 1, relaxed);
    LOAD(a, x, relaxed);
    FENCE(acquire);
    if (a == 0)
        FENCE(seq_cst);
}
static void atomics_2_1(void) {
    STORE(x, 2, seq_cst);
    FENCE(seq_cst);
    STORE(x, 3, relaxed);
    ADD(b, x, 1, relaxed);
}
LITMUS(atomics_2, "abx", 10,
       OUTCOMES(0x112, 0x131, 0x134, 0x212, 0x234, 0x334, 0x434), atomics_2_0,
       atomics_2_1)

static void atomics_3_0(void) {
    EXCHANGE(a, z, 2, acquire);
    if (a == 1)
        LOAD(b, y, acquire);
}
static void atomics_3_1(void) {
    LOAD(c, z, acquire);
    ADD(d, z, 1, relaxed);
    LOAD(e, y, seq_cst);
}
static void atomics_3_2(void) {
    STORE(y, 2, relaxed);
    LOAD(f, x, relaxed);
    EXCHANGE(g, z, 3, release);
}
LITMUS(atomics_3, "abcdefgxyz", 22,
       OUTCOMES(0x0002003023, 0x0002203023, 0x0003002024, 0x0003202024,
                0x0022003023, 0x0022203023, 0x0023002024, 0x0023202024,
                0x0033202024, 0x1000002023, 0x1000202023, 0x1200002023,
                0x1200202023, 0x3000001022, 0x3000201022, 0x3002000023,
                0x3002200023, 0x3022200023, 0x3032200023, 0x4003000022,
                0x4003200022, 0x4033200022),
       atomics_3_0, atomics_3_1, atomics_3_2)

static void atomics_4_0(void) {
    LOAD(a, x, seq_cst);
    EXCHANGE(b, x, 1, seq_cst);
    EXCHANGE(c, x, 2, relaxed);
    LOAD(d, x, seq_cst);
}
static void atomics_4_1(void) {
    LOAD(e, x, acquire);
    FENCE(seq_cst);
    ADD(f, x, 3, release);
    LOAD(g, x, relaxed);
}
LITMUS(atomics_4, "abcdefgx", 16,
       OUTCOMES(0x00120255, 0x00121255, 0x00122255, 0x00150255, 0x00151255,
                0x00152255, 0x00420122, 0x00420142, 0x00421122, 0x00421142,
                0x03120012, 0x03120022, 0x03120032, 0x33120012, 0x33120022,
                0x33120032),
       atomics_4_0, atomics_4_1)

static void atomics_5_0(void) {
    STORE(z, 3, seq_cst);
    LOAD(a, x, seq_cst);
    if (a == 0)
        LOAD(b, x, acquire);
}
static void atomics_5_1(void) {
    ADD(c, x, 2, seq_cst);
    EXCHANGE(d, z, 1, seq_cst);
}
static void atomics_5_2(void) {
    EXCHANGE(e, x, 2, release);
    LOAD(f, z, seq_cst);
}
LITMUS(atomics_5, "abcdefxz", 39,
       OUTCOMES(0x00032021, 0x00032121, 0x00032321, 0x00230041, 0x00230141,
                0x00230341, 0x02032021, 0x02032121, 0x02032321, 0x02230041,
                0x02230141, 0x02230341, 0x04230041, 0x04230141, 0x04230341,
                0x20002023, 0x20002123, 0x20002323, 0x20032021, 0x20032121,
                0x20032321, 0x20230041, 0x20230141, 0x20230341, 0x40200043,
                0x40200143, 0x40200343, 0x40230041, 0x40230141, 0x40230341),
       atomics_5_0, atomics_5_1, atomics_5_2)

static void atomics_6_0(void) {
    STORE(x, 3, relaxed);
    CAS(a, x, 1, 2, relaxed);
    ADD(b, x, 1, relaxed);
}
static void atomics_6_1(void) {
    EXCHANGE(c, x, 3, release);
    LOAD(d, x, acquire);
    CAS(e, x, 1, 3, seq_cst);
}
LITMUS(atomics_6, "abcdex", 13,
       OUTCOMES(0x330334, 0x330344, 0x330444, 0x333334, 0x333344, 0x333444,
                0x334333),
       atomics_6_0, atomics_6_1)

static void atomics_7_0(void) {
    LOAD(a, x, seq_cst);
    STORE(x, 1, release);
    STORE(x, 2, seq_cst);
}
static void atomics_7_1(void) {
    CAS(b, x, 0, 1, release);
    LOAD(c, y, acquire);
    CAS(d, y, 1, 2, relaxed);
    if (c == 1)
        STORE(y, 2, relaxed);
}
LITMUS(atomics_7, "abcdxy", 4, OUTCOMES(0x000020, 0x010020, 0x020020, 0x100020),
       atomics_7_0, atomics_7_1)

static void atomics_8_0(void) {
    STORE(y, 1, relaxed);
    ADD(a, y, 2, relaxed);
    LOAD(b, y, relaxed);
}
static void atomics_8_1(void) {
    FENCE(seq_cst);
    LOAD(c, x, acquire);
    ADD(d, y, 3, relaxed);
    ADD(e, y, 2, relaxed);
}
LITMUS(atomics_8, "abcdexy", 10,
       OUTCOMES(0x1300303, 0x1300305, 0x1303608, 0x1500305, 0x1603608,
                0x1803608, 0x3500105, 0x4601608, 0x4801608, 0x6801408),
       atomics_8_0, atomics_8_1)

static void atomics_9_0(void) {
    FENCE(acq_rel);
    STORE(y, 2, seq_cst);
}
static void atomics_9_1(void) {
    LOAD(a, z, seq_cst);
    STORE(y, 3, relaxed);
    LOAD(b, z, relaxed);
}
static void atomics_9_2(void) {
    FENCE(release);
    CAS(c, x, 2, 3, relaxed);
    if (c == 0)
        STORE(z, 1, relaxed);
}
LITMUS(atomics_9, "abcxyz", 6,
       OUTCOMES(0x000021, 0x000031, 0x010021, 0x010031, 0x110021, 0x110031),
       atomics_9_0, atomics_9_1, atomics_9_2)

static void atomics_10_0(void) {
    FENCE(acq_rel);
    LOAD(a, x, relaxed);
    if (a == 0)
        ADD(b, y, 2, acquire);
}
static void atomics_10_1(void) {
    STORE(y, 1, relaxed);
    FENCE(release);
}
static void atomics_10_2(void) {
    FENCE(release);
    STORE(x, 2, relaxed);
}
LITMUS(atomics_10, "abxy", 3, OUTCOMES(0x0021, 0x0123, 0x2021), atomics_10_0,
       atomics_10_1, atomics_10_2)

static void atomics_11_0(void) {
    STORE(x, 1, seq_cst);
    STORE(x, 3, seq_cst);
}
static void atomics_11_1(void) {
    ADD(a, x, 3, acquire);
    if (a == 0)
        EXCHANGE(b, y, 2, seq_cst);
}
LITMUS(atomics_11, "abxy", 3, OUTCOMES(0x0032, 0x1030, 0x3060), atomics_11_0,
       atomics_11_1)

static void atomics_12_0(void) {
    STORE(y, 3, seq_cst);
    EXCHANGE(a, y, 3, release);
    STORE(y, 1, relaxed);
}
static void atomics_12_1(void) {
    ADD(b, y, 1, acquire);
    ADD(c, y, 1, release);
    STORE(x, 2, seq_cst);
    if (b == 1)
        STORE(y, 3, seq_cst);
}
LITMUS(atomics_12, "abcxy", 10,
       OUTCOMES(0x30121, 0x30122, 0x30321, 0x31223, 0x33122, 0x33421, 0x40321,
                0x43122, 0x43321, 0x53421),
       atomics_12_0, atomics_12_1)

static void atomics_13_0(void) {
    ADD(a, y, 3, relaxed);
    EXCHANGE(b, z, 3, acquire);
}
static void atomics_13_1(void) {
    LOAD(c, z, relaxed);
    CAS(d, z, 0, 2, seq_cst);
}
static void atomics_13_2(void) {
    FENCE(seq_cst);
    EXCHANGE(e, z, 3, relaxed);
}
LITMUS(atomics_13, "abcdeyz", 12,
       OUTCOMES(0x0003333, 0x0033333, 0x0200333, 0x0300233, 0x0303033,
                0x0333033),
       atomics_13_0, atomics_13_1, atomics_13_2)

static void atomics_14_0(void) {
    LOAD(a, x, acquire);
    LOAD(b, x, seq_cst);
    EXCHANGE(c, x, 1, acquire);
}
static void atomics_14_1(void) {
    LOAD(d, x, relaxed);
    STORE(x, 1, relaxed);
    STORE(x, 2, relaxed);
    EXCHANGE(e, x, 1, relaxed);
}
LITMUS(atomics_14, "abcdex", 21,
       OUTCOMES(0x000021, 0x000121, 0x001021, 0x002011, 0x011021, 0x012011,
                0x021021, 0x022011, 0x111021, 0x112011, 0x121021, 0x122011,
                0x211021, 0x221021, 0x222011),
       atomics_14_0, atomics_14_1)

static void atomics_15_0(void) {
    EXCHANGE(a, z, 3, relaxed);
    ADD(b, z, 1, acq_rel);
    CAS(c, y, 1, 3, acquire);
    EXCHANGE(d, y, 3, seq_cst);
}
static void atomics_15_1(void) {
    EXCHANGE(e, y, 3, release);
    CAS(f, z, 2, 1, seq_cst);
    EXCHANGE(g, x, 2, relaxed);
}
LITMUS(atomics_15, "abcdefgxyz", 9,
       OUTCOMES(0x0300300234, 0x0300330234, 0x0300340234, 0x0303000234,
                0x0303030234, 0x0303040234, 0x0333000234, 0x0333030234,
                0x0333040234),
       atomics_15_0, atomics_15_1)

static void atomics_16_0(void) {
    EXCHANGE(a, y, 1, acquire);
    CAS(b, y, 1, 2, acquire);
    LOAD(c, y, seq_cst);
    ADD(d, x, 3, release);
}
static void atomics_16_1(void) {
    LOAD(e, x, acquire);
    ADD(f, y, 2, relaxed);
    LOAD(g, x, acquire);
    EXCHANGE(h, x, 1, seq_cst);
}
LITMUS(atomics_16, "abcdefghxy", 13,
       OUTCOMES(0x0120020314, 0x0120023314, 0x0120323314, 0x0121020044,
                0x0140020314, 0x0140023314, 0x0141020044, 0x0330010313,
                0x0330013313, 0x0331010043, 0x2120000312, 0x2120003312,
                0x2121000042),
       atomics_16_0, atomics_16_1)

static void atomics_17_0(void) {
    STORE(y, 3, release);
    LOAD(a, y, relaxed);
}
static void atomics_17_1(void) {
    EXCHANGE(b, y, 1, seq_cst);
    LOAD(c, x, relaxed);
}
LITMUS(atomics_17, "abcxy", 3, OUTCOMES(0x13001, 0x30003, 0x33001),
       atomics_17_0, atomics_17_1)

static void atomics_18_0(void) {
    EXCHANGE(a, x, 2, seq_cst);
    EXCHANGE(b, x, 2, relaxed);
}
static void atomics_18_1(void) {
    LOAD(c, x, relaxed);
    STORE(x, 3, seq_cst);
    LOAD(d, x, relaxed);
}
LITMUS(atomics_18, "abcdx", 10,
       OUTCOMES(0x02033, 0x02233, 0x03022, 0x03032, 0x03222, 0x03232, 0x32022,
                0x32032),
       atomics_18_0, atomics_18_1)

static void atomics_19_0(void) {
    EXCHANGE(a, z, 1, relaxed);
    LOAD(b, x, seq_cst);
    if (a == 0)
        CAS(c, z, 2, 1, relaxed);
}
static void atomics_19_1(void) {
    STORE(x, 1, release);
    EXCHANGE(d, x, 3, seq_cst);
    LOAD(e, z, acquire);
    FENCE(seq_cst);
}
LITMUS(atomics_19, "abcdexz", 6,
       OUTCOMES(0x0011031, 0x0011131, 0x0111031, 0x0111131, 0x0311031,
                0x0311131),
       atomics_19_0, atomics_19_1)

static void atomics_20_0(void) {
    LOAD(a, y, seq_cst);
    STORE(y, 1, seq_cst);
    if (a == 2)
        EXCHANGE(b, x, 1, relaxed);
}
static void atomics_20_1(void) {
    STORE(x, 3, seq_cst);
    LOAD(c, y, seq_cst);
}
static void atomics_20_2(void) {
    STORE(x, 2, seq_cst);
    ADD(d, x, 1, acquire);
    CAS(e, y, 2, 3, seq_cst);
}
LITMUS(atomics_20, "abcdexy", 12,
       OUTCOMES(0x0002031, 0x0002131, 0x0003041, 0x0003141, 0x0012031,
                0x0012131, 0x0013041, 0x0013141),
       atomics_20_0, atomics_20_1, atomics_20_2)

const mc_case mc_cases[] = {
    BOTH(atomics_1),  BOTH(atomics_2),  BOTH(atomics_3),  BOTH(atomics_4),
    BOTH(atomics_5),  BOTH(atomics_6),  BOTH(atomics_7),  BOTH(atomics_8),
    BOTH(atomics_9),  BOTH(atomics_10), BOTH(atomics_11), BOTH(atomics_12),
    BOTH(atomics_13), BOTH(atomics_14), BOTH(atomics_15), BOTH(atomics_16),
    BOTH(atomics_17), BOTH(atomics_18), BOTH(atomics_19), BOTH(atomics_20),
    {.name = NULL},
};
