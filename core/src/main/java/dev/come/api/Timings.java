package dev.come.api;

import dev.come.evaluate.Latency.Load;
import dev.come.evaluate.Latency.Seconds;
import dev.come.evaluate.Latency.Timing;
import dev.come.job.LatencyJob;
import java.util.List;

/**
 * How long models took, in turns.
 *
 * @param models what was timed: first the one that it is compared with, if there is one
 * @param batch sequences side by side
 * @param promptTokens tokens of each prompt
 * @param newTokens tokens generated after each; 0 without generation
 * @param dtype the type that was computed in
 */
public record Timings(List<Model> models, int batch, int promptTokens, int newTokens, String dtype) {
    /**
     * The times of a model.
     *
     * @param name its folder's name
     * @param layers its decoder layers
     * @param parameters numbers in its weights
     * @param prompt the time of all prompts, up to the first token after them
     * @param generation the time of the tokens after that one; all zero without generation
     */
    public record Model(String name, int layers, long parameters, Time prompt, Time generation) {}

    /**
     * How long something took in several runs, in seconds.
     *
     * @param median the middle one, or the mean of the two in the middle
     * @param least of the fastest run
     * @param most of the slowest
     */
    public record Time(double median, double least, double most) {
        private static final Time NONE = new Time(0, 0, 0);

        private static Time of(Seconds seconds) {
            return new Time(seconds.median(), seconds.least(), seconds.most());
        }
    }

    static Timings of(LatencyJob.Result result) {
        Load load = result.load();
        return new Timings(result.timings().stream().map(Timings::model).toList(), load.batch(), load.promptTokens(),
                load.newTokens(), result.dtype());
    }

    private static Model model(Timing timing) {
        return new Model(timing.name(), timing.layers(), timing.parameters(), Time.of(timing.prompt()),
                timing.generation().isEmpty() ? Time.NONE : Time.of(timing.generation().getFirst()));
    }
}
