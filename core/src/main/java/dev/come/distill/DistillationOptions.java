package dev.come.distill;

import dev.come.UsageException;
import dev.come.checkpoint.RecordNames;
import java.io.Serializable;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * How layers are trained.
 *
 * @param level what is compared with the teacher ({@code --level})
 * @param objective what single layers are trained for ({@code --objective})
 * @param temperature of KL ({@code --temperature})
 * @param tokens tokens that each layer is trained on ({@code --tokens}); more than there are means several times
 * @param modelTokens tokens that the whole model is trained on ({@code --model-tokens})
 * @param validationTokens tokens that nothing is trained on, by which the best weights are found
 *        ({@code --validation-tokens})
 * @param batchTokens tokens in a batch ({@code --batch-tokens}); at least one sequence in any case
 * @param schedule of single layers ({@code --lr}, {@code --schedule}, {@code --warmup})
 * @param modelSchedule of the whole model ({@code --model-lr})
 * @param weightDecay of matrices ({@code --weight-decay})
 * @param clip the longest gradient; 0: any ({@code --clip})
 * @param students which layers learn by themselves, and from what ({@code --seam}, {@code --inputs}, {@code --layer-scope})
 * @param trained which weights learn when the whole model is trained ({@code --train})
 * @param hiddenWeight of the hidden-state term beside the next tokens of the whole model ({@code --hidden-weight}); 0: none
 * @param crossEntropyWeight of the cross-entropy of the text beside KL of the whole model ({@code --ce-weight}); 0: none
 * @param evaluateEvery after so many steps, and after the last, the validation loss is measured and the state is kept
 *        ({@code --eval-every}); 0: after each tenth of the steps
 * @param seed the order of the text ({@code --seed})
 */
public record DistillationOptions(Level level, Objective objective, double temperature, long tokens, long modelTokens,
        long validationTokens, long batchTokens, Schedule schedule, Schedule modelSchedule, double weightDecay,
        double clip, Students students, TrainedParts trained, double hiddenWeight, double crossEntropyWeight,
        int evaluateEvery, long seed)
        implements
            Serializable {
    /** What holds where nothing else is asked for. */
    public static final DistillationOptions DEFAULTS = new DistillationOptions(Level.BOTH, Objective.MSE, 1, 500_000,
            500_000, 16_384, 4096, new Schedule(Schedule.Shape.COSINE, Objective.MSE.rate(), 0.05),
            new Schedule(Schedule.Shape.COSINE, 3e-4, 0.05), 0, 1, Students.DEFAULTS, TrainedParts.MERGED, 0, 0,
            0, 10);

    public DistillationOptions {
        requirePositive("--temperature", temperature);
        requirePositive("--tokens", (double) tokens);
        requirePositive("--model-tokens", (double) modelTokens);
        requirePositive("--validation-tokens", (double) validationTokens);
        requirePositive("--batch-tokens", (double) batchTokens);
        requireNotNegative("--weight-decay", weightDecay);
        requireNotNegative("--clip", clip);
        requireNotNegative("--hidden-weight", hiddenWeight);
        requireNotNegative("--ce-weight", crossEntropyWeight);
        requireNotNegative("--eval-every", (double) evaluateEvery);
        requireNotNegative("--seed", (double) seed);
        if (hiddenWeight > 0 && !level.hasModel()) {
            throw new UsageException("--hidden-weight is for --level model or both; leave it out");
        }
        if (crossEntropyWeight > 0 && !level.hasModel()) {
            throw new UsageException("--ce-weight is for --level model or both; leave it out");
        }
        if (crossEntropyWeight > 0 && temperature != 1) {
            throw new UsageException(
                    "--ce-weight compares with the text, which has no temperature, so it does not go with"
                            + " --temperature " + plain(temperature) + "; leave one out");
        }
    }

    /**
     * Refuses options that do nothing with these, rather than ignoring them.
     *
     * @param given the options that the user gave, by their names
     * @throws UsageException if one of them does nothing
     */
    public void requireUsed(Collection<String> given) {
        boolean layers = level.hasLayers();
        boolean whole = level.hasModel();
        Map<String, Boolean> used = new HashMap<>();
        List.of("--objective", "--lr", "--mode", "--seam", "--inputs", "--layer-scope")
                .forEach(option -> used.put(option, layers));
        List.of("--model-tokens", "--model-lr", "--train", "--hidden-weight", "--ce-weight")
                .forEach(option -> used.put(option, whole));
        used.put("--tokens", layers || !given.contains("--model-tokens"));
        used.put("--temperature", whole || objective == Objective.KL);
        for (String option : given.stream().sorted().toList()) {
            if (!used.getOrDefault(option, true)) {
                throw new UsageException(option + " does nothing at --level " + RecordNames.name(level)
                        + (option.equals("--temperature") ? " with --objective " + RecordNames.name(objective) : "")
                        + "; leave it out");
            }
        }
    }

    /**
     * Refuses to train layers beside each other that need each other.
     *
     * @param beside what would do so, as a user has asked for it
     * @throws UsageException if what a layer is shown is made by those below it
     */
    public void requireIndependent(String beside) {
        if (level.hasLayers() && students.inputs() == Students.Inputs.OWN) {
            throw new UsageException("--inputs own shows each layer what those below it have learned to give, so layers"
                    + " learn one after the other and not by " + beside + "; leave one out");
        }
    }

    /** The most tokens that are trained on at either level. */
    public long trainingTokens() {
        return Math.max(level.hasLayers() ? tokens : 0, level.hasModel() ? modelTokens : 0);
    }

    private static void requirePositive(String option, double value) {
        if (!(value > 0) || !Double.isFinite(value)) {
            throw new UsageException(option + " is " + plain(value) + ", but must be more than 0");
        }
    }

    private static void requireNotNegative(String option, double value) {
        if (!(value >= 0) || !Double.isFinite(value)) {
            throw new UsageException(option + " is " + plain(value) + ", but must be 0 or more");
        }
    }

    private static String plain(double value) {
        return value == Math.rint(value) && Math.abs(value) < 1e15 ? Long.toString((long) value) : "" + value;
    }
}
