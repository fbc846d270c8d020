package dev.come;

/** Tells someone how far long work has come. Implementations are safe for use from several threads. */
public interface Progress {
    /** The unit of what is read, written or sent: it is shown in larger units, with the speed. */
    String BYTES = "bytes";

    /** Tells nobody. */
    Progress NONE = new Progress() {
        @Override
        public Task begin(String what, long total, String unit) {
            return steps -> {
            };
        }

        @Override
        public void note(String line) {
        }
    };

    /**
     * Begins a piece of work.
     *
     * @param what what is done, in a few words, for example {@code "step 3 of 9: measuring"}
     * @param total how many units there will be
     * @param unit the unit in the plural, for example {@code "layers"}
     */
    Task begin(String what, long total, String unit);

    /**
     * The same where work is counted in finer steps than it is told in: a window of text is run through one layer after the
     * other, and users know windows.
     *
     * @param steps how much {@link Task#advance} will be told of
     * @param units how many units these steps are
     */
    default Task begin(String what, long steps, String unit, long units) {
        return begin(what, steps, unit);
    }

    /** Says that about this number of steps is still to come until the run ends, in this task and those after it. */
    default void expect(double steps) {
    }

    /** Says something that the user should know and the record keeps, such as which split of a data set was taken. */
    void note(String line);

    /** One piece of work; closing it ends it. */
    @FunctionalInterface
    interface Task extends AutoCloseable {
        /** Says that this number of further units is done. It is negative where work must be done again. */
        void advance(long steps);

        /** Says that this number of units will not be done, because their result is known without them. */
        default void skip(long steps) {
        }

        @Override
        default void close() {
        }
    }
}
