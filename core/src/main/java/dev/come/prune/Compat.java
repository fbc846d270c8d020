package dev.come.prune;

import dev.come.calibration.Reading;

/** Whether a method goes by its definition or by what its authors' published code does ({@code --compat}). */
public enum Compat {
    /** The definition. */
    NONE(Reading.DEFINITION),
    /** The published code, where it differs. */
    REFERENCE(Reading.REFERENCE);

    private final Reading reading;

    Compat(Reading reading) {
        this.reading = reading;
    }

    /** How the method's measurements are read. */
    public Reading reading() {
        return reading;
    }

    /** Whether the published code is repeated. */
    public boolean isReference() {
        return this == REFERENCE;
    }
}
