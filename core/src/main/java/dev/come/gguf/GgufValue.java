package dev.come.gguf;

import dev.come.checkpoint.Shown;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** What stands under a key of a GGUF file's metadata. */
sealed interface GgufValue {
    /** What a message calls such a value. */
    String kind();

    /** A text. */
    record Text(String value) implements GgufValue {
        @Override
        public String kind() {
            return "the text '%s'".formatted(Shown.of(value));
        }
    }

    /** An integer of whatever width. */
    record Whole(long value) implements GgufValue {
        @Override
        public String kind() {
            return "the integer " + value;
        }
    }

    /**
     * A number with a fraction. A float32 is taken for the shortest decimal that is rounded to it, which is what the
     * configuration that it was made from said.
     */
    record Fraction(double value) implements GgufValue {
        @Override
        public String kind() {
            return "the number " + value;
        }
    }

    /** True or false. */
    record Truth(boolean value) implements GgufValue {
        @Override
        public String kind() {
            return Boolean.toString(value);
        }
    }

    /** A list of lists, which no key that is read here has. What is in them was looked at and not kept. */
    record Lists(long size) implements GgufValue {
        @Override
        public String kind() {
            return "a list of %s lists".formatted(size);
        }
    }

    /**
     * A list, all of whose elements are of one kind. They are made when they are asked for: lists of a vocabulary have hundreds
     * of thousands, and those that a damaged file claims many more.
     *
     * @param element makes the element at an index
     */
    record Items(int size, IntFunction<GgufValue> element) implements GgufValue {
        /** The elements, one after the other. */
        Stream<GgufValue> stream() {
            return IntStream.range(0, size).mapToObj(element);
        }

        @Override
        public String kind() {
            return size == 0
                    ? "an empty list"
                    : "a list of %s that begins with %s".formatted(size, element.apply(0).kind());
        }
    }
}
