package dev.come.text;

import dev.come.model.Positions;
import dev.come.text.CalibrationSet.Budget;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.OptionalLong;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Tokens of several data sets ({@code --calibration-dataset wiki2:0.5 c4:0.5}). Their sequences are spread evenly among each
 * other, so every part of the whole, such as the sequences that are held out, has about the same mixture.
 *
 * @param parts what it is made of, each with its part of the tokens
 */
public record Mixture(List<Budget> parts) implements CalibrationSet.Source {
    public Mixture {
        parts = List.copyOf(parts);
    }

    /**
     * A mixture by its shares.
     *
     * @param tokens wanted of all data sets together
     */
    public static Mixture of(List<DataShare> shares, TextSource.Library library, String textField, long tokens,
            long seed,
            WindowLength length) {
        return new Mixture(shares.stream().map(one -> new Budget(new TextSource(one.dataset(), library, textField),
                Math.max(1, Math.round(tokens * one.share())), seed, length)).toList());
    }

    @Override
    public Stream<Path> paths() {
        return parts.stream().flatMap(Budget::paths);
    }

    @Override
    public OptionalLong sampledBy() {
        return parts.getFirst().sampledBy();
    }

    @Override
    public CalibrationSet take(Tokenizer tokenizer, Positions positions) {
        List<CalibrationSet> sets = parts.stream().map(part -> part.take(tokenizer, positions)).toList();
        Sequences mixed = spread(sets.stream().map(CalibrationSet::sequences).toList());
        return new CalibrationSet(mixed, facts(sets.stream().map(CalibrationSet::facts).toList(), mixed));
    }

    private record Placed(int part, int index, double place) {}

    /** Sequence k of n of a part lies at (k + 1/2) / n of the whole; at the same place the part that was named first is first. */
    static Sequences spread(List<Sequences> parts) {
        List<Placed> all = new ArrayList<>();
        for (int part = 0; part < parts.size(); part++) {
            int count = parts.get(part).count();
            for (int i = 0; i < count; i++) {
                all.add(new Placed(part, i, (i + 0.5) / count));
            }
        }
        all.sort(Comparator.comparingDouble(Placed::place).thenComparingInt(Placed::part));
        return Sequences.of(all.stream().map(one -> parts.get(one.part).sequence(one.index)).toList());
    }

    /** Numbers add up, and words are joined. */
    private static TextFacts facts(List<TextFacts> parts, Sequences mixed) {
        TextFacts first = parts.getFirst();
        return new TextFacts(
                String.join(" + ",
                        parts.stream().map(part -> part.dataset() + " (" + part.tokensUsed() + " tokens)").toList()),
                joined(parts.stream().map(TextFacts::split)),
                parts.stream().flatMap(part -> part.sources().stream()).toList(),
                parts.stream().mapToInt(TextFacts::rowsAvailable).reduce(0, Math::addExact),
                parts.stream().mapToInt(TextFacts::rowsTaken).reduce(0, Math::addExact),
                joined(parts.stream().map(TextFacts::assembly)), parts.stream().mapToLong(TextFacts::characters).sum(),
                parts.stream().mapToInt(TextFacts::tokens).reduce(0, Math::addExact), mixed.tokenCount(), mixed.count(),
                first.sequenceLength(), first.passedPositions(), first.specialTokenInFront(), mixed.fingerprint(),
                parts.stream().flatMap(part -> part.notes().stream()).toList());
    }

    private static String joined(Stream<String> words) {
        return words.distinct().collect(Collectors.joining(", "));
    }
}
