package dev.come.demo;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Endless short stories from a small grammar; the random numbers alone decide which.
 *
 * <p>Much in them can be known in advance, and some of it only by thought, so that depth helps a model: verbs agree with
 * a noun that lies several clauses back; pronouns follow the person; what someone said is repeated word for word;
 * numbers are counted, added, subtracted and sorted; where something is follows from two sentences together; questions
 * are answered from what was told before.
 */
final class Stories {
    private static final Pattern WORD_OR_MARK = Pattern.compile("\\w+|[^\\w\\s]");
    /** So many stories hold every word of the grammar many times. */
    private static final int STORIES_WITH_EVERY_WORD = 2000;

    private static final List<String> WOMEN = List.of("Anna", "Clara", "Emma", "Julia", "Laura", "Sarah");
    private static final List<String> MEN = List.of("Adam", "Ben", "David", "Oscar", "Peter", "Tom");
    private static final List<String> JOBS = List.of("baker", "doctor", "driver", "farmer", "painter", "sailor",
            "singer", "teacher");
    private static final List<String> PLACES = List.of("barn", "forest", "garden", "harbour", "kitchen", "market",
            "school", "tower");
    private static final List<String> CONTAINERS = List.of("bag", "basket", "box", "drawer");
    private static final List<String> THINGS = List.of("apple", "ball", "book", "coin", "cup", "key", "lamp", "shell");
    private static final List<String> COLOURS = List.of("black", "blue", "green", "red", "white", "yellow");
    private static final List<String> ADJECTIVES = List.of("broken", "clean", "heavy", "old", "round", "small");
    private static final List<String> NUMBERS = List.of("zero", "one", "two", "three", "four", "five", "six", "seven",
            "eight", "nine", "ten", "eleven", "twelve");

    private static final List<Animal> ANIMALS = List.of(
            new Animal("bird", new Verb("sings", "sing", "sang"), new Verb("flies", "fly", "flew")),
            new Animal("cat", new Verb("purrs", "purr", "purred"), new Verb("climbs", "climb", "climbed")),
            new Animal("cow", new Verb("grazes", "graze", "grazed"), new Verb("moos", "moo", "mooed")),
            new Animal("dog", new Verb("barks", "bark", "barked"), new Verb("digs", "dig", "dug")),
            new Animal("duck", new Verb("swims", "swim", "swam"), new Verb("dives", "dive", "dived")),
            new Animal("horse", new Verb("gallops", "gallop", "galloped"), new Verb("jumps", "jump", "jumped")));
    private static final List<Verb> DEEDS = List.of(new Verb("fears", "fear", "feared"),
            new Verb("follows", "follow", "followed"), new Verb("helps", "help", "helped"),
            new Verb("hears", "hear", "heard"), new Verb("likes", "like", "liked"), new Verb("sees", "see", "saw"));

    private final RandomGenerator random;
    private double nats;

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

    /**
     * The information in all stories so far, in nats: the negative logarithm of the probability of every choice that was
     * made. No model can have a lower loss over whole stories than this divided by their tokens, up to chance.
     */
    double nats() {
        return nats;
    }

    private int below(int bound) {
        nats += Math.log(bound);
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
        return NUMBERS.get(value);
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

    /** Third person singular, plural, and past. */
    private record Verb(String singular, String plural, String past) {
        String form(boolean many, boolean inThePast) {
            return inThePast ? past : many ? plural : singular;
        }
    }

    /** An animal and what only it does. */
    private record Animal(String name, List<Verb> habits) {
        Animal(String name, Verb... habits) {
            this(name, List.of(habits));
        }
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
            this.pronoun = WOMEN.contains(name) ? "she" : "he";
            this.job = job;
        }
    }

    /** One story about two or three people. */
    private final class Story {
        private final StringBuilder text = new StringBuilder();
        private final List<Person> people = new ArrayList<>();
        private final List<Runnable> events = List.of(this::move, this::findOrLose, this::tellOfAnimals, this::claim,
                this::countUpOrDown, this::hide, this::compareAges, this::sort, this::ask, this::ask);
        /** Whom a pronoun at the beginning of a sentence would mean. */
        private Person last;

        Story() {
            List<String> names = pick(between(2, 3), IntStream.range(0, WOMEN.size() + MEN.size())
                    .mapToObj(i -> i < WOMEN.size() ? WOMEN.get(i) : MEN.get(i - WOMEN.size())).toList());
            List<String> jobs = pick(names.size(), JOBS);
            for (int i = 0; i < names.size(); i++) {
                people.add(new Person(names.get(i), jobs.get(i)));
            }
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

        private void move() {
            Person person = pick(people);
            person.place = pick(PLACES);
            say("%s goes to the %s.".formatted(mention(person), person.place));
        }

        private void findOrLose() {
            Person person = pick(people);
            if (person.count == 0) {
                person.thing = pick(THINGS);
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
            Animal animal = pick(ANIMALS);
            say("%s the %s %s.".formatted(past ? "yesterday" : "every day", described(animal, many, past, 2),
                    pick(animal.habits).form(many, past)));
        }

        /** An animal with up to so many relative clauses inside each other; their verbs agree with their own nouns. */
        private String described(Animal animal, boolean many, boolean past, int depth) {
            String noun = (coin() ? pick(COLOURS) + " " : "") + animal.name + (many ? "s" : "");
            if (depth == 0 || coin()) {
                return noun;
            }
            boolean otherMany = coin();
            String other = "the " + described(pick(ANIMALS), otherMany, past, depth - 1);
            return coin()
                    ? "%s that %s %s".formatted(noun, pick(DEEDS).form(many, past), other)
                    : "%s that %s %s".formatted(noun, other, pick(DEEDS).form(otherMany, past));
        }

        private void claim() {
            Person person = pick(people);
            List<String> things = pick(2, THINGS);
            person.claim = "the %s %s is under the %s %s".formatted(pick(COLOURS), things.getFirst(), pick(ADJECTIVES),
                    things.getLast());
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
            List<String> things = pick(2, THINGS);
            List<String> containers = pick(2, CONTAINERS);
            List<String> places = pick(2, PLACES);
            int first = below(2);
            int asked = below(2);
            say("The %s is in the %s and the %s is in the %s.".formatted(things.get(0), containers.get(0),
                    things.get(1), containers.get(1)));
            say("The %s is in the %s and the %s is in the %s.".formatted(containers.get(first), places.get(first),
                    containers.get(1 - first), places.get(1 - first)));
            say("So the %s is in the %s.".formatted(things.get(asked), places.get(asked)));
        }

        private void compareAges() {
            List<String> ages = pick(3, coin() ? WOMEN : MEN);
            String older = "%s is older than %s";
            List<String> pairs = new ArrayList<>(List.of(older.formatted(ages.get(0), ages.get(1)),
                    older.formatted(ages.get(1), ages.get(2))));
            if (coin()) {
                Collections.reverse(pairs);
            }
            say(list(pairs) + ".");
            say("So %s is the oldest and %s is the youngest.".formatted(ages.get(0), ages.get(2)));
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
