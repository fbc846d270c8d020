package dev.come.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;

/** Against golden/rng.json, which CPython wrote. */
class PythonRandomTests {
    static Stream<String> seeds() {
        return GoldenRandom.VECTORS.get("python").propertyNames().stream();
    }

    private static JsonNode golden(String seed) {
        return GoldenRandom.VECTORS.get("python").get(seed);
    }

    private static PythonRandom generator(String seed) {
        return new PythonRandom(Long.parseLong(seed));
    }

    private static List<Integer> numbers(int count) {
        return new ArrayList<>(IntStream.range(0, count).boxed().toList());
    }

    private static List<Integer> list(JsonNode numbers) {
        return IntStream.of(GoldenRandom.ints(numbers)).boxed().toList();
    }

    @ParameterizedTest
    @MethodSource("seeds")
    void randomDrawsWhatPythonDraws(String seed) {
        PythonRandom generator = generator(seed);
        for (JsonNode expected : golden(seed).get("random")) {
            assertThat(generator.random()).isEqualTo(expected.asDouble());
        }
    }

    @ParameterizedTest
    @MethodSource("seeds")
    void getrandbitsDrawsWhatPythonDraws(String seed) {
        PythonRandom generator = generator(seed);
        for (JsonNode expected : golden(seed).get("getrandbits")) {
            assertThat(generator.getrandbits(expected.get(0).asInt()))
                    .isEqualTo(new BigInteger(expected.get(1).asString()));
        }
    }

    @ParameterizedTest
    @MethodSource("seeds")
    void randrangeDrawsWhatPythonDraws(String seed) {
        PythonRandom generator = generator(seed);
        for (JsonNode expected : golden(seed).get("randrange")) {
            assertThat(generator.randrange(expected.get(0).asLong())).isEqualTo(expected.get(1).asLong());
        }
    }

    @ParameterizedTest
    @MethodSource("seeds")
    void randintOfPythonIsRandrangeFromTheLowerBound(String seed) {
        PythonRandom generator = generator(seed);
        for (JsonNode expected : golden(seed).get("randint")) {
            long lowest = expected.get(0).asLong();
            long highest = expected.get(1).asLong();
            assertThat(lowest + generator.randrange(highest - lowest + 1)).isEqualTo(expected.get(2).asLong());
        }
    }

    @ParameterizedTest
    @MethodSource("seeds")
    void samplesAreThoseOfPython(String seed) {
        for (JsonNode expected : golden(seed).get("sample")) {
            List<Integer> population = numbers(expected.get(0).asInt());
            assertThat(generator(seed).sample(population, expected.get(1).asInt())).isEqualTo(list(expected.get(2)));
        }
        PythonRandom generator = generator(seed);
        for (JsonNode expected : golden(seed).get("sample_three_in_a_row")) {
            assertThat(generator.sample(numbers(50), 5)).isEqualTo(list(expected));
        }
    }

    @ParameterizedTest
    @MethodSource("seeds")
    void shufflesAndChoicesAreThoseOfPython(String seed) {
        for (var expected : golden(seed).get("shuffle").properties()) {
            List<Integer> shuffled = numbers(Integer.parseInt(expected.getKey()));
            generator(seed).shuffle(shuffled);
            assertThat(shuffled).isEqualTo(list(expected.getValue()));
        }
        PythonRandom generator = generator(seed);
        for (JsonNode expected : golden(seed).get("choice_of_57")) {
            assertThat(generator.choice(numbers(57))).isEqualTo(expected.asInt());
        }
    }

    @Test
    void aSeedAndItsNegativeDrawTheSame() {
        assertThat(new PythonRandom(-10).random()).isEqualTo(new PythonRandom(10).random());
    }

    @Test
    void whatCannotBeDrawnIsRefused() {
        assertThatThrownBy(() -> new PythonRandom(0).randrange(0)).hasMessage("the bound must be positive, but is 0");
        assertThatThrownBy(() -> new PythonRandom(0).sample(numbers(3), 4))
                .hasMessage("cannot take 4 of 3 elements");
    }
}
