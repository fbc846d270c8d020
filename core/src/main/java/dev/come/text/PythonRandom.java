package dev.come.text;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * Python's {@code random.Random(seed)}: the Mersenne Twister MT19937 and what CPython derives from it. Programs written in
 * Python sample with it, so the same seed draws the same here as there.
 *
 * <p>Source: M. Matsumoto and T. Nishimura, "Mersenne Twister" (1998), with their initialisation by an array (2002), and
 * the documentation of Python's module {@code random}.
 */
public final class PythonRandom {
    private static final int SIZE = 624;
    private static final int SHIFT = 397;

    private final int[] state = new int[SIZE];
    private int position = SIZE;

    public PythonRandom(long seed) {
        this(BigInteger.valueOf(seed));
    }

    /** Seeds with the absolute value of {@code seed}, as Python does. */
    public PythonRandom(BigInteger seed) {
        BigInteger magnitude = seed.abs();
        int[] key = IntStream.range(0, Math.max(1, (magnitude.bitLength() + 31) / 32))
                .map(i -> magnitude.shiftRight(32 * i).intValue()).toArray();
        fillFrom(19650218);
        int i = 1;
        for (int k = 0; k < Math.max(SIZE, key.length); k++) {
            state[i] = (state[i] ^ previous(i) * 1664525) + key[k % key.length] + k % key.length;
            i = next(i);
        }
        for (int k = 0; k < SIZE - 1; k++) {
            state[i] = (state[i] ^ previous(i) * 1566083941) - i;
            i = next(i);
        }
        state[0] = 0x80000000;
    }

    private void fillFrom(int seed) {
        state[0] = seed;
        for (int i = 1; i < SIZE; i++) {
            state[i] = 1812433253 * (state[i - 1] ^ state[i - 1] >>> 30) + i;
        }
    }

    private int previous(int i) {
        return state[i - 1] ^ state[i - 1] >>> 30;
    }

    /** Goes round from 1 to 623; on the way the first word takes the last one's value. */
    private int next(int i) {
        if (i + 1 < SIZE) {
            return i + 1;
        }
        state[0] = state[SIZE - 1];
        return 1;
    }

    private int next32() {
        if (position == SIZE) {
            twist();
            position = 0;
        }
        int value = state[position++];
        value ^= value >>> 11;
        value ^= value << 7 & 0x9D2C5680;
        value ^= value << 15 & 0xEFC60000;
        return value ^ value >>> 18;
    }

    private void twist() {
        for (int i = 0; i < SIZE; i++) {
            int joined = (state[i] & 0x80000000) | (state[(i + 1) % SIZE] & 0x7FFFFFFF);
            int twisted = (joined & 1) == 0 ? joined >>> 1 : joined >>> 1 ^ 0x9908B0DF;
            state[i] = state[(i + SHIFT) % SIZE] ^ twisted;
        }
    }

    /** A number from 0 up to, not including, 1, with 53 random bits. */
    public double random() {
        int high = next32() >>> 5;
        int low = next32() >>> 6;
        return ((long) high << 26 | low) * 0x1p-53;
    }

    /** A number of {@code bits} random bits; the first word drawn is the lowest. */
    public BigInteger getrandbits(int bits) {
        BigInteger result = BigInteger.ZERO;
        for (int done = 0; done < bits; done += Integer.SIZE) {
            int word = next32() >>> Math.max(0, Integer.SIZE - (bits - done));
            result = result.or(BigInteger.valueOf(Integer.toUnsignedLong(word)).shiftLeft(done));
        }
        return result;
    }

    /**
     * A number from 0 up to, not including, {@code bound}.
     *
     * @throws IllegalArgumentException if the bound is not positive
     */
    public long randrange(long bound) {
        if (bound <= 0) {
            throw new IllegalArgumentException("the bound must be positive, but is " + bound);
        }
        int bits = Long.SIZE - Long.numberOfLeadingZeros(bound);
        long value;
        do {
            value = getrandbits(bits).longValue();
        } while (Long.compareUnsigned(value, bound) >= 0);
        return value;
    }

    /** Puts the list in a random order. */
    public void shuffle(List<?> list) {
        for (int i = list.size() - 1; i > 0; i--) {
            Collections.swap(list, i, below(i + 1));
        }
    }

    /** One element of the list. */
    public <T> T choice(List<T> list) {
        return list.get(below(list.size()));
    }

    /**
     * {@code count} different elements of the list in the order in which they were drawn.
     *
     * @throws IllegalArgumentException if the list has fewer elements
     */
    public <T> List<T> sample(List<T> list, int count) {
        if (count < 0 || count > list.size()) {
            throw new IllegalArgumentException("cannot take " + count + " of " + list.size() + " elements");
        }
        return list.size() <= poolLimit(count) ? sampleFromPool(list, count) : sampleByIndex(list, count);
    }

    /**
     * Up to which size CPython draws from a copy of the list. Its logarithm is rounded up and can never fall on a whole
     * number, as 3 times something is not a power of 4: rounding errors do not matter.
     */
    private static double poolLimit(int count) {
        return count <= 5 ? 21 : 21 + Math.pow(4, Math.ceil(Math.log(3.0 * count) / Math.log(4)));
    }

    private <T> List<T> sampleFromPool(List<T> list, int count) {
        List<T> pool = new ArrayList<>(list);
        List<T> result = new ArrayList<>(count);
        for (int left = list.size(); left > list.size() - count; left--) {
            int j = below(left);
            result.add(pool.get(j));
            pool.set(j, pool.get(left - 1));
        }
        return result;
    }

    private <T> List<T> sampleByIndex(List<T> list, int count) {
        Set<Integer> drawn = new LinkedHashSet<>();
        while (drawn.size() < count) {
            drawn.add(below(list.size()));
        }
        return drawn.stream().<T>map(list::get).toList();
    }

    private int below(int bound) {
        return (int) randrange(bound);
    }
}
