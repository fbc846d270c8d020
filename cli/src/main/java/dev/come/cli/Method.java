package dev.come.cli;

import dev.come.UsageException;
import dev.come.calibration.Calibration.GradientOrder;
import dev.come.failure.Nearest;
import dev.come.prune.ComeAuto;
import dev.come.prune.Compat;
import dev.come.prune.ConcatMerge;
import dev.come.prune.ConcatMergeP;
import dev.come.prune.Laco;
import dev.come.prune.Magnitude;
import dev.come.prune.Manual;
import dev.come.prune.Methods;
import dev.come.prune.Methods.Entry;
import dev.come.prune.Mka;
import dev.come.prune.PruningMethod;
import dev.come.prune.Reverse;
import dev.come.prune.SeamAuto;
import dev.come.prune.ShortGpt;
import dev.come.prune.Sleb;
import dev.come.prune.Taylor;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/**
 * The methods of {@link Methods}, and how their options are made of those that the user gives. An option belongs to a method
 * if its options have a component of that name: {@code --merge-item} is {@code mergeItem}.
 */
@SuppressWarnings("ImmutableEnumChecker") // entries and lambdas do not change
enum Method {
    CONCAT_MERGE(Methods.CONCAT_MERGE, (given, _) -> new ConcatMerge(
            new ConcatMerge.Options(given.merging.skipMethod(), given.merging.mergeItem, given.merging.withoutRepeat,
                    given.merging.power, given.merging.minimumOfLargestShare,
                    given.merging.norms(ConcatMerge.Options.DEFAULTS.mergeNorms()), given.merging.channelScore(),
                    given.merging.compensate(), given.compat()))),

    CONCAT_MERGE_P(Methods.CONCAT_MERGE_P, (given, _) -> new ConcatMergeP(
            new ConcatMergeP.Options(given.merging.skipMethod(), given.merging.mergeItem, given.merging.withoutRepeat,
                    given.merging.granularity(ConcatMergeP.Options.DEFAULTS.granularity()),
                    given.merging.norms(ConcatMergeP.Options.DEFAULTS.mergeNorms()), given.merging.channelScore(),
                    given.merging.compensate(), given.compat()))),

    SLEB(Methods.SLEB, (given, _) -> {
        Sleb.Options usual = given.compat().isReference() ? Sleb.Options.REFERENCE : Sleb.Options.DEFAULTS;
        return new Sleb(new Sleb.Options(given.removing.barriers(usual.barriers()), usual.compat()));
    }),

    SHORTGPT(Methods.SHORTGPT,
            (given, _) -> new ShortGpt(new ShortGpt.Options(given.removing.angular,
                    given.removing.layerScore(), given.compat()))),

    REVERSE(Methods.REVERSE, (given, _) -> new Reverse(new Reverse.Options(given.removing.retainLayers))),

    MAGNITUDE(Methods.MAGNITUDE, (given, _) -> magnitude(given, Methods.MAGNITUDE.defaults())),

    MAGNITUDE_PLUS(Methods.MAGNITUDE_PLUS, (given, _) -> magnitude(given, Methods.MAGNITUDE_PLUS.defaults())),

    TAYLOR(Methods.TAYLOR, (given, _) -> taylor(given, Methods.TAYLOR.defaults())),

    TAYLOR_PLUS(Methods.TAYLOR_PLUS, (given, _) -> taylor(given, Methods.TAYLOR_PLUS.defaults())),

    MKA(Methods.MKA, (given, _) -> new Mka(new Mka.Options(given.fusing.kernelSigma, given.fusing.fuse())),
            "--num-tasks"),

    LACO(Methods.LACO, (given, target) -> {
        MethodOptions.Collapsing laco = given.collapsing;
        return new Laco(new Laco.Options(laco.variant(), laco.mergeLayers, laco.interval, laco.lowest, laco.highest(),
                laco.threshold, laco.thresholdStep), target);
    }, "--sentences"),

    COME_AUTO(Methods.COME_AUTO, (given, _) -> {
        ComeAuto.Options usual = ComeAuto.Options.DEFAULTS;
        return new ComeAuto(new ComeAuto.Options(given.removing.barriers(usual.barriers()),
                given.merging.granularity(usual.granularity()), given.guided.shortlist,
                given.merging.norms(usual.mergeNorms()), given.guided.refit));
    }),

    SEAM_AUTO(Methods.SEAM_AUTO, (given, _) -> {
        SeamAuto.Options usual = SeamAuto.Options.DEFAULTS;
        return new SeamAuto(new SeamAuto.Options(given.removing.barriers(usual.barriers()),
                given.merging.granularity(usual.granularity()), given.merging.norms(usual.mergeNorms()),
                given.repairing.repair));
    }),

    MANUAL(Methods.MANUAL, (given, _) -> new Manual(new Manual.Options(given.removing.layers())));

    /** Their names, for help and completion. */
    static final class Names extends NamesOf {
        Names() {
            super(Stream.concat(names().stream(), Stream.of(ALL)).toList());
        }
    }

    /** Stands for all of them that choose layers. */
    static final String ALL = "all";

    private final Entry<?> entry;
    private final Creation creation;
    private final Set<String> dataOptions;

    /** Makes a method of what the user gives. */
    private interface Creation {
        /** @param target whether a number of layers is asked for */
        PruningMethod create(MethodOptions given, boolean target);
    }

    /** @param dataOptions options that say what it is measured on, and that others do not have */
    Method(Entry<?> entry, Creation creation, String... dataOptions) {
        this.entry = entry;
        this.creation = creation;
        this.dataOptions = Set.of(dataOptions);
    }

    /**
     * The method with its options.
     *
     * @param target whether a number of layers is asked for
     */
    PruningMethod create(MethodOptions given, boolean target) {
        return creation.create(given, target);
    }

    /** What is known of it. */
    Entry<?> entry() {
        return entry;
    }

    String label() {
        return entry.name();
    }

    boolean needsData() {
        return entry.ownData().isPresent();
    }

    /** Whether it may be used without a target. */
    boolean mayEndByItself() {
        return this == LACO || this == MANUAL;
    }

    boolean has(String option) {
        return dataOptions.contains(option)
                || entry.optionNames().contains(option.replaceFirst("--", "").replace('-', '_'));
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
            return Arrays.stream(values()).filter(method -> method != MANUAL).toList();
        }
        Set<Method> methods = new LinkedHashSet<>();
        for (String name : Words.of(text)) {
            methods.add(Arrays.stream(values()).filter(method -> method.label().equals(name)).findFirst()
                    .orElseThrow(() -> new UsageException("--method: there is no " + name
                            + Nearest.hint(name, names()) + "; choose from: "
                            + String.join(", ", names()) + ", all, or several separated by commas")));
        }
        return List.copyOf(methods);
    }

    private static PruningMethod magnitude(MethodOptions given, Magnitude.Options usual) {
        MethodOptions.Scoring scoring = given.scoring;
        return new Magnitude(new Magnitude.Options(scoring.weightReduction(), scoring.blockReduction(),
                scoring.heuristic || usual.heuristic(), given.compat()));
    }

    private static PruningMethod taylor(MethodOptions given, Taylor.Options usual) {
        MethodOptions.Scoring scoring = given.scoring;
        Compat compat = given.compat();
        GradientOrder order = scoring
                .order(compat.isReference() ? GradientOrder.NEVER_ZEROED : usual.taylorOrder());
        return new Taylor(new Taylor.Options(order, scoring.weightReduction(), scoring.blockReduction(),
                scoring.heuristic || usual.heuristic(), compat));
    }
}
