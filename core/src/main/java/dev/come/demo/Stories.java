package dev.come.demo;

import dev.come.demo.StoryWords.Animal;
import dev.come.demo.StoryWords.Verb;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Endless short stories from a small grammar; the random numbers alone decide which.
 *
 * <p>A story keeps to three people and a few things, animals and places, each of which stays as it is: what was told is
 * the best guide to what comes next, and a model that only knows which words follow each other is a poor one.
 *
 * <p>Much can be known in advance, and some of it only by thought, so that depth helps a model: verbs agree with
 * a noun that lies several clauses back; people are called by name, profession or pronoun; what someone said is repeated
 * word for word; numbers are counted, added, subtracted and sorted; where something is follows from two sentences
 * together; questions are answered from what was told before.
 */
final class Stories {
    private static final Pattern WORD_OR_MARK = Pattern.compile("\\w+|[^\\w\\s]");
    /** So many stories hold every word of the grammar many times. */
    private static final int STORIES_WITH_EVERY_WORD = 2000;

    private final RandomGenerator random;

    Stories(RandomGenerator random) {
        this.random = random;
    }

    /** The words and punctuation marks of the grammar, in alphabetical order. */
    static List<String> vocabulary() {
        String text = new Stories(new SplittableRandom(0)).text(STORIES_WITH_EVERY_WORD);
        return WORD_OR_MARK.matcher(text).results().map(MatchResult::group).distinct().sorted().toList();
    }

    /** So many stories, one on each line. */
    String text(int stories) {
        return IntStream.range(0, stories).mapToObj(_ -> next() + "\n").collect(Collectors.joining());
    }

    /** The next story, on one line. */
    String next() {
        return new Story().write();
    }

    private int below(int bound) {
        return random.nextInt(bound);
    }

    private int between(int first, int last) {
        return first + below(last - first + 1);
    }

    private boolean coin() {
        return below(2) == 0;
    }

    private <T> T pick(List<T> choices) {
        return choices.get(below(choices.size()));
    }

    /** So many different ones, in random order. */
    private <T> List<T> pick(int count, List<T> choices) {
        List<T> left = new ArrayList<>(choices);
        return IntStream.range(0, count).mapToObj(_ -> left.remove(below(left.size()))).toList();
    }

    private static String number(int value) {
        return StoryWords.NUMBERS.get(value);
    }

    private static String quantity(int number, String thing) {
        return number(number) + " " + thing + (number == 1 ? "" : "s");
    }

    private static String numbers(IntStream values) {
        return values.mapToObj(Stories::number).collect(Collectors.joining(", "));
    }

    private static String list(List<String> items) {
        return String.join(", ", items.subList(0, items.size() - 1)) + " and " + items.getLast();
    }

    /** Someone in a story, with what the story has told so far; an empty text or zero is what it has not told. */
    private static final class Person {
        final String name;
        final String pronoun;
        final String job;
        String place = "";
        String thing = "";
        int count;
        String claim = "";

        Person(String name, String job) {
            this.name = name;
            this.pronoun = StoryWords.WOMEN.contains(name) ? "she" : "he";
            this.job = job;
        }
    }

    /** One story: three people and a small world of their own. */
    private final class Story {
        private final StringBuilder text = new StringBuilder();
        private final List<Person> people = new ArrayList<>();
        private final List<Person> eldestFirst;
        private final List<String> places = pick(3, StoryWords.PLACES);
        private final List<String> things = pick(3, StoryWords.THINGS);
        private final List<String> containers = pick(2, StoryWords.CONTAINERS);
        private final List<String> containerPlaces = pick(2, places);
        private final List<Animal> animals = pick(2, StoryWords.ANIMALS);
        private final List<Verb> deeds = pick(2, StoryWords.DEEDS);
        private final Map<String, String> colours = new HashMap<>();
        private final Map<String, String> conditions = new HashMap<>();
        private final List<Runnable> events = List.of(this::move, this::findOrLose, this::tellOfAnimals, this::claim,
                this::countUpOrDown, this::hide, this::compareAges, this::sort, this::ask, this::ask, this::ask);
        /** Whom a pronoun at the beginning of a sentence would mean. */
        private Person last;
        private boolean agesTold;

        Story() {
            List<String> names = pick(3, Stream.concat(StoryWords.WOMEN.stream(), StoryWords.MEN.stream()).toList());
            List<String> jobs = pick(names.size(), StoryWords.JOBS);
            for (int i = 0; i < names.size(); i++) {
                people.add(new Person(names.get(i), jobs.get(i)));
            }
            eldestFirst = pick(people.size(), people);
            last = people.getLast();
        }

        String write() {
            say(list(people.stream().map(person -> person.name + " is a " + person.job).toList()) + ".");
            for (int i = between(5, 9); i > 0; i--) {
                pick(events).run();
            }
            return text.toString();
        }

        private void say(String sentence) {
            text.append(text.isEmpty() ? "" : " ").append(sentence.substring(0, 1).toUpperCase(Locale.ROOT))
                    .append(sentence.substring(1));
        }

        /** Someone, called by name, by profession, or by a pronoun if the last sentence was about the same person. */
        private String mention(Person person) {
            List<String> words = new ArrayList<>(List.of(person.name, "the " + person.job));
            if (person == last) {
                words.add(person.pronoun);
            }
            last = person;
            return pick(words);
        }

        private String colour(String noun) {
            return colours.computeIfAbsent(noun, _ -> pick(StoryWords.COLOURS));
        }

        private String condition(String noun) {
            return conditions.computeIfAbsent(noun, _ -> pick(StoryWords.ADJECTIVES));
        }

        private void move() {
            Person person = pick(people);
            person.place = pick(places);
            say("%s goes to the %s.".formatted(mention(person), person.place));
        }

        private void findOrLose() {
            Person person = pick(people);
            if (person.count == 0) {
                person.thing = pick(things);
                person.count = between(1, 6);
                say("%s finds %s.".formatted(mention(person), quantity(person.count, person.thing)));
                return;
            }
            boolean finds = person.count == 1 || (person.count < 7 && coin());
            int change = finds ? between(1, 12 - Math.max(person.count, 6)) : between(1, person.count - 1);
            person.count += finds ? change : -change;
            say("%s %s %s %s.".formatted(mention(person), finds ? "finds" : "loses", number(change),
                    finds ? "more" : "of them"));
            say("Now %s has %s.".formatted(person.pronoun, quantity(person.count, person.thing)));
        }

        private void tellOfAnimals() {
            boolean past = coin();
            boolean many = coin();
            Animal animal = pick(animals);
            say("%s the %s %s.".formatted(past ? "yesterday" : "every day", described(animal, many, past, 2),
                    pick(animal.habits()).form(many, past)));
        }

        /**
         * An animal with up to {@code depth} relative clauses inside each other. Their verbs agree with their own
         * nouns.
         */
        private String described(Animal animal, boolean many, boolean past, int depth) {
            String noun = (coin() ? colour(animal.name()) + " " : "") + animal.name() + (many ? "s" : "");
            if (depth == 0 || coin()) {
                return noun;
            }
            boolean otherMany = coin();
            String other = "the " + described(pick(animals), otherMany, past, depth - 1);
            return coin()
                    ? "%s that %s %s".formatted(noun, pick(deeds).form(many, past), other)
                    : "%s that %s %s".formatted(noun, other, pick(deeds).form(otherMany, past));
        }

        private void claim() {
            Person person = pick(people);
            List<String> two = pick(2, things);
            person.claim = "the %s %s is under the %s %s".formatted(colour(two.getFirst()), two.getFirst(),
                    condition(two.getLast()), two.getLast());
            say("%s says that %s.".formatted(mention(person), person.claim));
        }

        private void countUpOrDown() {
            int from = between(1, 12);
            int to = between(1, 12);
            String all = numbers(from <= to
                    ? IntStream.rangeClosed(from, to)
                    : IntStream.rangeClosed(to, from).map(value -> from + to - value));
            say("%s counts from %s to %s: %s.".formatted(mention(pick(people)), number(from), number(to), all));
        }

        private void hide() {
            List<String> hidden = pick(2, things);
            int first = below(2);
            int second = below(2);
            int asked = below(2);
            say("The %s is in the %s and the %s is in the %s.".formatted(hidden.get(0), containers.get(first),
                    hidden.get(1), containers.get(1 - first)));
            say("The %s is in the %s and the %s is in the %s.".formatted(containers.get(second),
                    containerPlaces.get(second), containers.get(1 - second), containerPlaces.get(1 - second)));
            say("So the %s is in the %s.".formatted(hidden.get(asked),
                    containerPlaces.get(asked == 0 ? first : 1 - first)));
        }

        private void compareAges() {
            List<String> pairs = pick(2, IntStream.range(1, eldestFirst.size())
                    .mapToObj(
                            i -> "%s is older than %s".formatted(eldestFirst.get(i - 1).name, eldestFirst.get(i).name))
                    .toList());
            say(list(pairs) + ".");
            say("So %s is the oldest and %s is the youngest.".formatted(eldestFirst.getFirst().name,
                    eldestFirst.getLast().name));
            agesTold = true;
        }

        private void sort() {
            List<Integer> values = pick(3, IntStream.rangeClosed(1, 9).boxed().toList());
            say("%s sorts %s: %s.".formatted(mention(pick(people)),
                    numbers(values.stream().mapToInt(Integer::intValue)),
                    numbers(values.stream().mapToInt(Integer::intValue).sorted())));
        }

        private void ask() {
            Person person = pick(people);
            List<Runnable> questions = new ArrayList<>();
            questions.add(() -> say("What is %s? %s is a %s.".formatted(person.name, person.name, person.job)));
            questions.add(() -> say("Who is the %s? The %s is %s.".formatted(person.job, person.job, person.name)));
            if (agesTold && person == eldestFirst.getFirst()) {
                questions.add(() -> say("Who is the oldest? The oldest is %s.".formatted(person.name)));
            }
            if (!person.place.isEmpty()) {
                questions.add(() -> say("Where is %s? %s is in the %s.".formatted(person.name, person.name,
                        person.place)));
            }
            if (person.count > 0) {
                questions.add(() -> say("How many %ss does %s have? %s has %s.".formatted(person.thing, person.name,
                        person.name, quantity(person.count, person.thing))));
            }
            if (!person.claim.isEmpty()) {
                questions.add(() -> say("What does %s say? %s says that %s.".formatted(person.name, person.name,
                        person.claim)));
            }
            pick(questions).run();
            last = person;
        }
    }
}
