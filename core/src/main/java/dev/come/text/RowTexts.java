package dev.come.text;

import java.util.List;

/** Texts of rows that were taken, in the order in which they are encoded. They may be larger than memory. */
interface RowTexts {
    /** How many there are. */
    int count();

    /** Sends them, until the sink is full. */
    void send(RowSink sink);

    /** Several, one after the other. */
    static RowTexts of(List<RowTexts> parts) {
        return new RowTexts() {
            @Override
            public int count() {
                return parts.stream().mapToInt(RowTexts::count).sum();
            }

            @Override
            public void send(RowSink sink) {
                parts.forEach(part -> part.send(sink));
            }
        };
    }
}
