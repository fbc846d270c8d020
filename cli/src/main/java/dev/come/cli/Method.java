package dev.come.cli;

import dev.come.UsageException;
import dev.come.calibration.Calibration.GradientOrder;
import dev.come.calibration.Reading;
import dev.come.prune.BlockScore;
import dev.come.prune.BlockScore.Reduction;
import dev.come.prune.ComeAuto;
import dev.come.prune.ConcatMerge;
import dev.come.prune.ConcatMergeP;
import dev.come.prune.Laco;
import dev.come.prune.Magnitude;
import dev.come.prune.Mka;
import dev.come.prune.PruningMethod;
import dev.come.prune.Reverse;
import dev.come.prune.ShortGpt;
import dev.come.prune.SkipMethod;
import dev.come.prune.Sleb;
import dev.come.prune.Taylor;
import dev.come.stack.LayerNode.Scope;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** The methods by the names that users give, each with the options it has and the data that its authors measure on. */
@SuppressWarnings("ImmutableEnumChecker") // the set is Set.of, which never changes
enum Method {
    CONCAT_MERGE("concat_merge", Data.of("wiki2", 256), "--skip-method", "--merge-item", "--wo-repeat", "--psu",
            "--min-max", "--compat") {
        @Override
        PruningMethod create(MethodOptions options, boolean target) {
            MethodOptions.Merging merging = options.merging;
            return new ConcatMerge(new ConcatMerge.Options(skip(merging), merging.mergeItem, merging.withoutRepeat,
                    merging.power, merging.minimumOfLargestShare, isReference(options)));
        }
    },
    CONCAT_MERGE_P("concat_merge_P", Data.of("wiki2", 256), "--skip-method", "--merge-item", "--wo-repeat",
            "--granularity", "--compat") {
        @Override
        PruningMethod create(MethodOptions options, boolean target) {
            MethodOptions.Merging merging = options.merging;
            return new ConcatMergeP(new ConcatMergeP.Options(skip(merging), merging.mergeItem, merging.withoutRepeat,
                    granularity(merging, ConcatMergeP.Options.DEFAULTS.granularity()), isReference(options)));
        }
    },
    SLEB("sleb", Data.of("wiki2", 128), "--barriers", "--compat") {
        @Override
        PruningMethod create(MethodOptions options, boolean target) {
            List<Integer> barriers = barriers(options, isReference(options) ? 0 : 1);
            return new Sleb(barriers.get(0), barriers.get(1), isReference(options));
        }
    },
    SHORTGPT("shortgpt", Data.of("pg19", 256), "--angular", "--compat") {
        @Override
        PruningMethod create(MethodOptions options, boolean target) {
            return new ShortGpt(options.removing.angular, isReference(options));
        }
    },
    REVERSE("reverse", Data.NONE, "--retain-layer") {
        @Override
        PruningMethod create(MethodOptions options, boolean target) {
            return new Reverse(options.removing.retainLayers);
        }
    },
    MAGNITUDE("magnitude", Data.NONE, "--weight-reduction", "--block-reduction", "--heuristic", "--compat") {
        @Override
        PruningMethod create(MethodOptions options, boolean target) {
            return new Magnitude(score(options, options.scoring.heuristic), isReference(options));
        }
    },
    MAGNITUDE_PLUS("magnitude+", Data.NONE, "--weight-reduction", "--block-reduction", "--heuristic", "--compat") {
        @Override
        PruningMethod create(MethodOptions options, boolean target) {
            return new Magnitude(score(options, true), isReference(options));
        }
    },
    TAYLOR("taylor", Data.of("wiki2", 128), "--weight-reduction", "--block-reduction", "--heuristic", "--taylor-order",
            "--compat") {
        @Override
        PruningMethod create(MethodOptions options, boolean target) {
            return new Taylor(score(options, options.scoring.heuristic), order(options));
        }
    },
    TAYLOR_PLUS("taylor+", Data.of("wiki2", 128), "--weight-reduction", "--block-reduction", "--heuristic",
            "--taylor-order", "--compat") {
        @Override
        PruningMethod create(MethodOptions options, boolean target) {
            return new Taylor(score(options, true), order(options));
        }
    },
    MKA("mka", new Data("mmlu", 250, 50), "--num-tasks", "--kernel-sigma", "--fuse") {
        @Override
        PruningMethod create(MethodOptions options, boolean target) {
            return new Mka(options.fusing.kernelSigma, choose("--fuse", options.fusing.fuse, Scope.values()));
        }
    },
    LACO("laco", Data.of("wiki2", 128), "--laco-variant", "--merge-layers", "--interval", "--lowest", "--highest",
            "--threshold", "--threshold-step", "--sentences") {
        @Override
        PruningMethod create(MethodOptions options, boolean target) {
            MethodOptions.Collapsing laco = options.collapsing;
            Integer highest = laco.highest;
            return new Laco(new Laco.Options(choose("--laco-variant", laco.variant, Laco.Variant.values()),
                    laco.mergeLayers, laco.interval, laco.lowest, highest == null ? Laco.Options.LAST : highest,
                    laco.threshold, laco.thresholdStep, target));
        }
    },
    COME_AUTO("come_auto", Data.of("wiki2", 256), "--granularity", "--barriers", "--shortlist", "--refit") {
        @Override
        PruningMethod create(MethodOptions options, boolean target) {
            List<Integer> barriers = barriers(options, 1);
            return new ComeAuto(new ComeAuto.Options(barriers.get(0), barriers.get(1),
                    granularity(options.merging, ComeAuto.Options.DEFAULTS.granularity()),
                    options.guided.shortlist, options.guided.refit));
        }
    };

    /** Stands for all of them. */
    static final String ALL = "all";

    private final String label;
    private final Data data;
    private final Set<String> options;

    /**
     * What the authors measure a method on.
     *
     * @param tasks subjects of mmlu; 0 for other data sets
     */
    record Data(String dataset, int samples, int tasks) {
        private static final Data NONE = new Data("", 0, 0);

        private static Data of(String dataset, int samples) {
            return new Data(dataset, samples, 0);
        }
    }

    Method(String label, Data data, String... options) {
        this.label = label;
        this.data = data;
        this.options = Set.of(options);
    }

    /**
     * The method with its options.
     *
     * @param target whether a number of layers is asked for
     */
    abstract PruningMethod create(MethodOptions options, boolean target);

    String label() {
        return label;
    }

    /** What it is measured on where the user says nothing else. */
    Data data() {
        return data;
    }

    boolean needsData() {
        return !data.equals(Data.NONE);
    }

    boolean has(String option) {
        return options.contains(option);
    }

    /** Whether an option belongs to some methods only. */
    static boolean isOfSomeMethods(String option) {
        return Arrays.stream(values()).anyMatch(method -> method.has(option));
    }

    /** The methods that have an option. */
    static List<String> having(String option) {
        return Arrays.stream(values()).filter(method -> method.has(option)).map(Method::label).toList();
    }

    static List<String> names() {
        return Arrays.stream(values()).map(Method::label).toList();
    }

    /** Reads {@code --method}: a name, several separated by commas, or all. */
    static List<Method> parse(String text) {
        if (text.equals(ALL)) {
            return List.of(values());
        }
        Set<Method> methods = new LinkedHashSet<>();
        for (String name : text.split(",", -1)) {
            methods.add(Arrays.stream(values()).filter(method -> method.label.equals(name.strip())).findFirst()
                    .orElseThrow(() -> new UsageException("--method: there is no " + name + "; choose from: "
                            + String.join(", ", names()) + ", all, or several separated by commas")));
        }
        return List.copyOf(methods);
    }

    static Reading reading(MethodOptions options) {
        return isReference(options) ? Reading.REFERENCE : Reading.DEFINITION;
    }

    private static boolean isReference(MethodOptions options) {
        return new Choice("--compat", List.of("none", "reference")).check(options.compatibility).equals("reference");
    }

    private static SkipMethod skip(MethodOptions.Merging merging) {
        return choose("--skip-method", merging.skipMethod, SkipMethod.values());
    }

    private static int granularity(MethodOptions.Merging merging, int ofTheMethod) {
        Integer granularity = merging.granularity;
        return granularity == null ? ofTheMethod : granularity;
    }

    private static List<Integer> barriers(MethodOptions options, int ofTheMethod) {
        List<Integer> barriers = options.removing.barriers;
        if (barriers == null) {
            return List.of(ofTheMethod, ofTheMethod);
        }
        if (barriers.size() != 2) {
            throw new UsageException("--barriers is " + barriers
                    + ", but two numbers are expected: layers kept at the beginning and at the end, such as 1,1");
        }
        return barriers;
    }

    private static BlockScore score(MethodOptions options, boolean heuristic) {
        return new BlockScore(reduction("--weight-reduction", options.scoring.weightReduction),
                reduction("--block-reduction", options.scoring.blockReduction), heuristic);
    }

    /** The authors spell prod prob. */
    private static Reduction reduction(String option, String value) {
        return choose(option, value.equals("prob") ? "prod" : value, Reduction.values());
    }

    private static GradientOrder order(MethodOptions options) {
        GradientOrder order = switch (new Choice("--taylor-order", List.of("sum-first", "abs-first"))
                .check(options.scoring.order)) {
            case "abs-first" -> GradientOrder.ABS_FIRST;
            default -> GradientOrder.SUM_FIRST;
        };
        return isReference(options) ? GradientOrder.NEVER_ZEROED : order;
    }

    private static <E extends Enum<E>> E choose(String option, String value, E[] values) {
        List<String> names = Arrays.stream(values).map(one -> one.name().toLowerCase(Locale.ROOT)).toList();
        return values[names.indexOf(new Choice(option, names).check(value))];
    }
}
