package dev.come.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;

/** Against golden/rng.json, which NumPy wrote; seeds up to 2^130. */
class Pcg64Tests {
    static Stream<String> seeds() {
        return GoldenRandom.VECTORS.get("numpy").propertyNames().stream();
    }

    private static JsonNode golden(String seed) {
        return GoldenRandom.VECTORS.get("numpy").get(seed);
    }

    private static Pcg64 generator(String seed) {
        return new Pcg64(new BigInteger(seed));
    }

    @ParameterizedTest
    @MethodSource("seeds")
    void theSeedIsHashedAsSeedSequenceDoes(String seed) {
        int[] pool = Pcg64.seedPool(new BigInteger(seed));
        assertThat(unsigned(pool)).isEqualTo(GoldenRandom.longs(golden(seed).get("seed_sequence_pool")));
        assertThat(unsigned(Pcg64.seedWords(pool, 8)))
                .isEqualTo(GoldenRandom.longs(golden(seed).get("seed_sequence_state32")));
    }

    @ParameterizedTest
    @MethodSource("seeds")
    void theRawNumbersAreThoseOfNumpy(String seed) {
        Pcg64 generator = generator(seed);
        for (JsonNode expected : golden(seed).get("raw64")) {
            assertThat(Long.toUnsignedString(generator.next64())).isEqualTo(expected.asString());
        }
        Pcg64 halves = generator(seed);
        for (JsonNode expected : golden(seed).get("next32")) {
            assertThat(Integer.toUnsignedLong(halves.next32())).isEqualTo(expected.asLong());
        }
    }

    @ParameterizedTest
    @MethodSource("seeds")
    void boundedNumbersAreThoseOfNumpy(String seed) {
        Pcg64 generator = generator(seed);
        int[] tops = GoldenRandom.ints(golden(seed).get("interval").get("tops"));
        int[] values = IntStream.of(tops).map(generator::interval).toArray();
        assertThat(values).isEqualTo(GoldenRandom.ints(golden(seed).get("interval").get("values")));
    }

    @ParameterizedTest
    @MethodSource("seeds")
    void permutationsAreThoseOfNumpy(String seed) throws Exception {
        for (var expected : golden(seed).get("permutation").properties()) {
            int[] order = generator(seed).permutation(Integer.parseInt(expected.getKey()));
            int[] first = GoldenRandom.ints(expected.getValue().get("first"));
            assertThat(Arrays.copyOf(order, first.length)).isEqualTo(first);
            assertThat(sha256(order)).isEqualTo(expected.getValue().get("sha256_int64_le").asString());
        }
    }

    @Test
    void aSecondPermutationGoesOnWhereTheFirstStopped() {
        for (String seed : new String[]{"0", "10", "42"}) {
            Pcg64 generator = new Pcg64(Long.parseLong(seed));
            for (JsonNode expected : golden(seed).get("two_permutations_of_10")) {
                assertThat(generator.permutation(10)).isEqualTo(GoldenRandom.ints(expected));
            }
        }
    }

    @Test
    void nothingAndOneThingHaveOnePermutation() {
        assertThat(new Pcg64(10).permutation(0)).isEmpty();
        assertThat(new Pcg64(10).permutation(1)).containsExactly(0);
    }

    @Test
    void aNegativeSeedIsRefused() {
        assertThatThrownBy(() -> new Pcg64(-1)).hasMessage("the seed must not be negative, but is -1");
    }

    private static long[] unsigned(int[] words) {
        return IntStream.of(words).mapToLong(Integer::toUnsignedLong).toArray();
    }

    private static String sha256(int[] order) throws Exception {
        ByteBuffer bytes = ByteBuffer.allocate(order.length * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        LongStream longs = IntStream.of(order).asLongStream();
        longs.forEach(bytes::putLong);
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes.array()));
    }
}
