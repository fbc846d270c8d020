package dev.come.text;

import java.math.BigInteger;
import java.util.stream.IntStream;

/**
 * NumPy's {@code numpy.random.default_rng(seed)}: the generator PCG XSL RR 128/64 seeded through {@code SeedSequence}, as
 * far as {@link #permutation} needs it. The {@code datasets} library shuffles with it, so the same seed picks the same
 * rows here as there.
 *
 * <p>Source: M. O'Neill, "PCG: A Family of Simple Fast Space-Efficient Statistically Good Algorithms for Random Number
 * Generation" (2014), and the documentation of NumPy's {@code SeedSequence} and {@code PCG64}.
 */
public final class Pcg64 {
    private static final int POOL_WORDS = 4;
    private static final long MULTIPLIER_HIGH = 0x2360ED051FC65DA4L;
    private static final long MULTIPLIER_LOW = 0x4385DF649FCCF645L;

    private final long incrementHigh;
    private final long incrementLow;
    private long stateHigh;
    private long stateLow;

    private boolean halfIsLeft;
    private int half;

    /** @throws IllegalArgumentException if the seed is negative, which NumPy refuses too */
    public Pcg64(long seed) {
        this(BigInteger.valueOf(seed));
    }

    /** @throws IllegalArgumentException if the seed is negative, which NumPy refuses too */
    public Pcg64(BigInteger seed) {
        if (seed.signum() < 0) {
            throw new IllegalArgumentException("the seed must not be negative, but is " + seed);
        }
        int[] words = seedWords(seedPool(seed), 8);
        long high = word64(words, 2);
        long low = word64(words, 3);
        incrementHigh = high << 1 | low >>> 63;
        incrementLow = low << 1 | 1;
        step();
        add(word64(words, 0), word64(words, 1));
        step();
    }

    /** The numbers 0 to count - 1 in a random order; each call goes on where the one before it stopped. */
    public int[] permutation(int count) {
        int[] order = IntStream.range(0, count).toArray();
        for (int i = count - 1; i > 0; i--) {
            int j = interval(i);
            int kept = order[i];
            order[i] = order[j];
            order[j] = kept;
        }
        return order;
    }

    /** A number from 0 to {@code top}, both included: bits are drawn and masked until they are not above {@code top}. */
    int interval(int top) {
        if (top == 0) {
            return 0;
        }
        int mask = -1 >>> Integer.numberOfLeadingZeros(top);
        int value;
        do {
            value = next32() & mask;
        } while (value > top);
        return value;
    }

    /** The low half of a 64-bit number, then its high half, then the next number. */
    int next32() {
        if (halfIsLeft) {
            halfIsLeft = false;
            return half;
        }
        long both = next64();
        half = (int) (both >>> 32);
        halfIsLeft = true;
        return (int) both;
    }

    long next64() {
        step();
        return Long.rotateRight(stateHigh ^ stateLow, (int) (stateHigh >>> 58));
    }

    /** state = state * multiplier + increment, in 128 bits. */
    private void step() {
        long high = Math.unsignedMultiplyHigh(stateLow, MULTIPLIER_LOW) + stateHigh * MULTIPLIER_LOW
                + stateLow * MULTIPLIER_HIGH;
        stateLow *= MULTIPLIER_LOW;
        stateHigh = high;
        add(incrementHigh, incrementLow);
    }

    private void add(long high, long low) {
        stateLow += low;
        stateHigh += high + (Long.compareUnsigned(stateLow, low) < 0 ? 1 : 0);
    }

    private static long word64(int[] words, int index) {
        return Integer.toUnsignedLong(words[2 * index]) | (long) words[2 * index + 1] << 32;
    }

    /** SeedSequence, first half: the seed's 32-bit words, hashed and mixed into a pool of four words. */
    static int[] seedPool(BigInteger seed) {
        int[] words = IntStream.range(0, Math.max(POOL_WORDS, (seed.bitLength() + 31) / 32))
                .map(i -> seed.shiftRight(32 * i).intValue()).toArray();
        Hash hash = new Hash(0x43B0D7E5, 0x931E8875);
        int[] pool = new int[POOL_WORDS];
        for (int i = 0; i < POOL_WORDS; i++) {
            pool[i] = hash.of(words[i]);
        }
        for (int source = 0; source < POOL_WORDS; source++) {
            for (int target = 0; target < POOL_WORDS; target++) {
                if (source != target) {
                    pool[target] = mix(pool[target], hash.of(pool[source]));
                }
            }
        }
        for (int i = POOL_WORDS; i < words.length; i++) {
            for (int target = 0; target < POOL_WORDS; target++) {
                pool[target] = mix(pool[target], hash.of(words[i]));
            }
        }
        return pool;
    }

    /** SeedSequence, second half: draws the wanted number of 32-bit words from the pool. */
    static int[] seedWords(int[] pool, int count) {
        Hash hash = new Hash(0x8B51F9DD, 0x58F38DED);
        return IntStream.range(0, count).map(i -> hash.of(pool[i % POOL_WORDS])).toArray();
    }

    private static int mix(int x, int y) {
        int mixed = x * 0xCA01F9DD - y * 0x4973F715;
        return mixed ^ mixed >>> 16;
    }

    /** A hash whose constant changes with every word. */
    private static final class Hash {
        private final int multiplier;
        private int constant;

        Hash(int constant, int multiplier) {
            this.constant = constant;
            this.multiplier = multiplier;
        }

        int of(int word) {
            int value = word ^ constant;
            constant *= multiplier;
            value *= constant;
            return value ^ value >>> 16;
        }
    }
}
