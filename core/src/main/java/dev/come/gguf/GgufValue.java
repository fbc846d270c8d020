package dev.come.gguf;

import java.util.List;

/** What stands under a key of a GGUF file's metadata. */
sealed interface GgufValue {
    /** What a message calls such a value. */
    String kind();

    /** A text. */
    record Text(String value) implements GgufValue {
        private static final int SHOWN = 40;

        @Override
        public String kind() {
            return "the text '%s'".formatted(value.length() <= SHOWN ? value : value.substring(0, SHOWN) + "...");
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

    /** A list, all of whose elements are of one kind. */
    record Items(List<? extends GgufValue> values) implements GgufValue {
        @Override
        public String kind() {
            return values.isEmpty()
                    ? "an empty list"
                    : "a list of %d that begins with %s".formatted(values.size(), values.getFirst().kind());
        }
    }
}
