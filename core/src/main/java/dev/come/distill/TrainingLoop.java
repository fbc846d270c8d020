package dev.come.distill;

import dev.come.Progress;
import dev.come.failure.Shortage;
import dev.come.run.TokenChunks;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.bytedeco.pytorch.NoGradGuard;

/**
 * Steps against the gradient of a student's loss. The weights that are kept are those with the least loss on text that is not
 * trained on. Training ends early, with what is best so far, when a loss or a gradient is not finite.
 */
final class TrainingLoop {
    /** How many times is measured where no one says how often. */
    private static final int EVALUATIONS = 10;

    private final List<TrainableLayer> layers;
    private final Student student;
    private final TokenChunks chunks;
    private final Batches batches;
    private final Schedule schedule;
    private final double clip;
    private final int evaluateEvery;
    private final TrainingFile file;

    /** What is trained. */
    interface Student {
        /**
         * Adds the gradients of the mean loss over all tokens of some chunks to its layers.
         *
         * @return that loss
         */
        double addGradients(List<Integer> batch);

        /** The means over the validation chunks, with the weights as they would be stored. */
        Measures validate();
    }

    TrainingLoop(List<TrainableLayer> layers, Student student, TokenChunks chunks, Batches batches, Schedule schedule,
            DistillationOptions options, TrainingFile file) {
        this.layers = layers;
        this.student = student;
        this.chunks = chunks;
        this.batches = batches;
        this.schedule = schedule;
        this.clip = options.clip();
        this.evaluateEvery = evaluateEvery(options, batches.count());
        this.file = file;
    }

    /** After how many of so many steps is measured. */
    static int evaluateEvery(DistillationOptions options, int steps) {
        return options.evaluateEvery() > 0
                ? options.evaluateEvery()
                : Math.max(1, Math.ceilDiv(steps, EVALUATIONS));
    }

    /**
     * Trains, going on from the training file if there is one. In the end the layers have the best weights.
     *
     * @param label what is trained, for the lines that are said
     * @param progress advances by one with every step
     */
    Curve run(String label, Progress listener, Progress.Task progress) {
        try (var _ = new NoGradGuard()) {
            List<Point> points = new ArrayList<>();
            int bestStep = 0;
            Optional<TrainingFile.Reached> before = file.restore(layers);
            if (before.isPresent()) {
                points.addAll(before.get().points());
                bestStep = before.get().bestStep();
                progress.advance(points.getLast().step());
                listener.note(label + ": going on after step " + points.getLast().step());
            } else {
                points.add(new Point(0, 0, 0, Double.NaN, student.validate()));
            }
            String stopped = Double.isFinite(points.getLast().validation().loss())
                    ? ""
                    : "the loss at the start is not finite";
            double lossSum = 0;
            long tokensSincePoint = 0;
            long tokens = points.getLast().tokens();
            long started = System.nanoTime();
            int first = points.getLast().step();
            for (int step = first; step < batches.count() && stopped.isEmpty(); step++) {
                List<Integer> batch = batches.steps().get(step);
                double rate = schedule.at(step, batches.count());
                double loss = step(batch, rate);
                if (!Double.isFinite(loss)) {
                    stopped = "step " + (step + 1) + " had a loss or gradient that is not finite";
                    break;
                }
                long inBatch = tokens(batch);
                lossSum += loss * inBatch;
                tokensSincePoint += inBatch;
                progress.advance(1);
                if (isPoint(step + 1)) {
                    tokens += tokensSincePoint;
                    Measures validation = student.validate();
                    Point point = new Point(step + 1, tokens, rate, lossSum / tokensSincePoint, validation);
                    points.add(point);
                    lossSum = 0;
                    tokensSincePoint = 0;
                    if (!Double.isFinite(validation.loss())) {
                        stopped = "after step " + (step + 1) + " the validation loss was not finite";
                        break;
                    }
                    if (validation.loss() < best(points, bestStep)) {
                        bestStep = step + 1;
                        layers.forEach(TrainableLayer::keepBest);
                    }
                    file.saveNowAndThen(layers, new TrainingFile.Reached(points, bestStep));
                    Duration taken = Duration.ofNanos(System.nanoTime() - started);
                    listener.note(label + ": " + describe(point, points.getFirst(), taken, step + 1 - first,
                            tokens - before.map(known -> known.points().getLast().tokens()).orElse(0L)));
                }
            }
            if (!stopped.isEmpty()) {
                listener.note(label + ": given up, because " + stopped + "; the weights after step " + bestStep
                        + " are kept");
            }
            layers.forEach(TrainableLayer::returnToBest);
            return new Curve(points, bestStep, stopped);
        }
    }

    private boolean isPoint(int step) {
        return step % evaluateEvery == 0 || step == batches.count();
    }

    private static double best(List<Point> points, int bestStep) {
        return points.stream().filter(point -> point.step() == bestStep).findFirst().orElseThrow().validation().loss();
    }

    private String describe(Point point, Point start, Duration taken, int steps, long tokens) {
        double seconds = Math.max(1e-3, taken.toMillis() / 1000.0);
        double left = seconds / steps * (batches.count() - point.step());
        Measures validation = point.validation();
        String parts = validation.hasParts()
                ? String.format(Locale.ROOT, ", of it KL %.4g", validation.nextTokens())
                        + part("hidden term", validation.hidden()) + part("cross-entropy", validation.crossEntropy())
                        + ","
                : "";
        return String.format(Locale.ROOT,
                "%d of %d steps, loss %.4g, validation %.4g%s (%.4g at the start), %,.0f tokens/s, %.0f s left",
                point.step(), batches.count(), point.trainingLoss(), validation.loss(), parts,
                start.validation().loss(), tokens / seconds, left);
    }

    private static String part(String name, double value) {
        return Double.isNaN(value) ? "" : String.format(Locale.ROOT, ", %s %.4g before its weight", name, value);
    }

    /**
     * Takes one step; where there are no tokens, none.
     *
     * @return the loss before it; not finite if the step was not taken because the loss or the gradient was not
     */
    double step(List<Integer> batch, double learningRate) {
        if (tokens(batch) == 0) {
            return 0;
        }
        layers.forEach(TrainableLayer::clearGradients);
        double loss = Shortage.named(() -> "A training step on " + tokens(batch) + " tokens",
                () -> student.addGradients(batch));
        double length = Math.sqrt(layers.stream().mapToDouble(TrainableLayer::squaredLength).sum());
        if (!Double.isFinite(loss) || !Double.isFinite(length)) {
            return Double.NaN;
        }
        double factor = clip > 0 && length > clip ? clip / length : 1;
        layers.forEach(layer -> layer.step(learningRate, factor));
        return loss;
    }

    private long tokens(List<Integer> batch) {
        return batch.stream().mapToLong(chunk -> chunks.get(chunk).tokens().length).sum();
    }
}
