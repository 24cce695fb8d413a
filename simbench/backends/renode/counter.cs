// Counts what a core of Renode executes between markers, while it runs. Renode compiles this file
// when it includes it; simbench reads what it writes (layout: tables.py beside it).
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq.Expressions;
using System.Reflection;

using Antmicro.Renode.Peripherals.CPU;

namespace Simbench
{
    public static class CounterCommands
    {
        // A window's counts go to PREFIX0, PREFIX1 and so on.
        public static void SimbenchCount(this TranslationCPU cpu, string prefix)
        {
            counter = new Counter(cpu, prefix);
        }

        // Blocks are of one instruction: what was accessed is of the one that ends next.
        public static void SimbenchStart(this TranslationCPU cpu)
        {
            usualBlock = cpu.MaximumBlockSize;
            cpu.MaximumBlockSize = 1;
            SetAccessHook(cpu, counter);
            cpu.SetHookAtBlockEnd(counter.BlockEnds);
        }

        public static void SimbenchStop(this TranslationCPU cpu)
        {
            cpu.SetHookAtBlockEnd(null);
            cpu.SetHookAtMemoryAccess(null);
            cpu.MaximumBlockSize = usualBlock;
        }

        public static void SimbenchSegment(this TranslationCPU cpu, ulong start, ulong end, int number)
        {
            counter.AddSegment((uint)start, (uint)end, number);
        }

        // See caches_as_numbers in watched.py for the numbers.
        public static void SimbenchCache(this TranslationCPU cpu, string numbers)
        {
            counter.AddCache(Array.ConvertAll(numbers.Split(), uint.Parse));
        }

        public static void SimbenchMarker(this TranslationCPU cpu, ulong address, int kind)
        {
            cpu.AddHook(address, (_, __) => counter.Pass(kind));
        }

        // Without a hook: these are passed for every byte of the UART.
        public static void SimbenchCachesRest(this TranslationCPU cpu, ulong address, bool rest)
        {
            counter.AddRest((uint)address, rest);
        }

        public static ulong SimbenchInWindow(this TranslationCPU cpu)
        {
            return counter.InWindow;
        }

        // The hook's type and the arguments after the address are not the same in every Renode.
        private static void SetAccessHook(TranslationCPU cpu, Counter counter)
        {
            var set = typeof(TranslationCPU).GetMethod("SetHookAtMemoryAccess");
            var type = set.GetParameters()[0].ParameterType;
            var given = new List<ParameterExpression>();
            foreach(var parameter in type.GetMethod("Invoke").GetParameters())
            {
                given.Add(Expression.Parameter(parameter.ParameterType));
            }
            var call = Expression.Call(
                Expression.Constant(counter), typeof(Counter).GetMethod("Access"),
                Expression.Convert(given[1], typeof(int)), given[2], Width(given));
            set.Invoke(cpu, new object[] { Expression.Lambda(type, call, given).Compile() });
        }

        // Older hooks do not tell the width; a word is then taken for what it begins in.
        private static Expression Width(List<ParameterExpression> given)
        {
            return given.Count > 5 ? (Expression)given[4] : Expression.Constant(1u);
        }

        private static Counter counter;
        private static int usualBlock;
    }

    public class Counter
    {
        public Counter(TranslationCPU cpu, string prefix)
        {
            this.cpu = cpu;
            this.prefix = prefix;
        }

        public ulong InWindow => open ? cpu.ExecutedInstructions - openedAt : 0;

        public void AddSegment(uint start, uint end, int number)
        {
            segments.Add((start, end, number));
        }

        public void AddCache(uint[] numbers)
        {
            caches.Add(new Cache(numbers, numbers[9] == 0 ? null : caches[(int)numbers[9] - 1]));
        }

        public void AddRest(uint address, bool rest)
        {
            rests.Add(address, rest);
            cachesRest = true;
        }

        public void Access(int operation, ulong address, uint width)
        {
            if(operation == InstructionFetch)
            {
                return;
            }
            if(!accessed)
            {
                accessed = true;
                first = (uint)address;
            }
            if(caches.Count > 0 && !cachesRest)
            {
                isStore = operation == IoWrite || operation == MemoryWrite;
                moved.Add(((uint)address, width));
            }
        }

        public void BlockEnds(ulong address, uint instructions)
        {
            if(!open && rests.TryGetValue((uint)address, out var rest))
            {
                cachesRest = rest;
            }
            var sees = caches.Count > 0 && !cachesRest;
            if(!open && before == null && !sees || instructions == 0)
            {
                accessed = false;
                moved.Clear();
                return;
            }
            var block = Find((uint)address, instructions);
            if(open || before != null)
            {
                Count(block);
            }
            if(sees)
            {
                Look(block, (uint)address);
            }
            accessed = false;
            last = block;
        }

        private void Count(int block)
        {
            if(before != null)
            {
                // a jump to a marker is of the interval that the marker ends
                before.Follow(last, block);
                before = null;
                if(!open)
                {
                    WriteWindow();
                    return;
                }
            }
            else if(isFollowed)
            {
                now.Follow(last, block);
            }
            isFollowed = true;
            now.Execute(block);
            if(accessed)
            {
                now.Access(block, SegmentOf(first), (int)first & 3);
            }
        }

        // What the caches see: the block's one instruction is fetched, then moves what it moves.
        private void Look(int block, uint address)
        {
            var end = address + widths[block];
            var jumped = lastEnd != address;
            var code = SegmentOf(address);
            for(var i = 0; i < caches.Count; i++)
            {
                var cache = caches[i];
                if(cache.Holds(code) && !cache.IsData)
                {
                    cache.Fetch(address, end, jumped, out var jump, out var sequential);
                    if(open && jump + sequential != 0)
                    {
                        now.Miss(block, i, jump, sequential);
                    }
                }
            }
            foreach(var (at, width) in moved)
            {
                var segment = SegmentOf(at);
                for(var i = 0; i < caches.Count; i++)
                {
                    if(caches[i].IsData && caches[i].Holds(segment))
                    {
                        caches[i].Move(at, width, isStore, out var jump, out var sequential);
                        if(open && jump + sequential != 0)
                        {
                            now.Miss(block, i, jump, sequential);
                        }
                    }
                }
            }
            moved.Clear();
            lastEnd = end;
        }

        public void Pass(int kind)
        {
            if(kind == WindowOpens || (kind == SectionOpens && !open))
            {
                closed.Clear();
                open = true;
                openedAt = begunAt = cpu.ExecutedInstructions;
                now = new Interval(WindowOpens);
                before = null;
                isFollowed = false;
                cachesRest = false;
            }
            else if(open && kind != SectionOpens)
            {
                var executed = cpu.ExecutedInstructions;
                now.Executed = executed - begunAt;
                begunAt = executed;
                closed.Add(now);
                before = now;
                now = new Interval(kind);
                open = kind != WindowCloses;
            }
        }

        private int Find(uint address, uint instructions)
        {
            var key = (ulong)address << 32 | instructions;
            if(last >= 0)
            {
                var likely = now.Likely(last);
                if(likely >= 0 && keys[likely] == key)
                {
                    return likely;
                }
            }
            if(!numbers.TryGetValue(key, out var number))
            {
                number = keys.Count;
                numbers.Add(key, number);
                keys.Add(key);
                widths.Add(cpu.Bus.ReadWord(address) >= FirstWide ? 4u : 2u);
            }
            return number;
        }

        private int SegmentOf(uint address)
        {
            foreach(var (start, end, number) in segments)
            {
                if(start <= address && address < end)
                {
                    return number;
                }
            }
            return OtherSegment;
        }

        private void WriteWindow()
        {
            using(var writer = new BinaryWriter(File.Create(prefix + windows)))
            {
                writer.Write(keys.Count);
                foreach(var key in keys)
                {
                    writer.Write(key);
                }
                writer.Write(closed.Count);
                foreach(var interval in closed)
                {
                    interval.Write(writer);
                }
            }
            windows++;
            closed.Clear();
        }

        private readonly TranslationCPU cpu;
        private readonly string prefix;
        private readonly List<(uint, uint, int)> segments = new List<(uint, uint, int)>();
        private readonly Dictionary<ulong, int> numbers = new Dictionary<ulong, int>();
        private readonly List<ulong> keys = new List<ulong>();
        private readonly List<Interval> closed = new List<Interval>();
        private bool open;
        private int windows;
        private ulong openedAt;
        private ulong begunAt;
        private Interval now = new Interval(WindowOpens);
        private Interval before;
        private int last = -1;
        private readonly List<uint> widths = new List<uint>();
        private readonly List<Cache> caches = new List<Cache>();
        private readonly List<(uint, uint)> moved = new List<(uint, uint)>();
        private bool isFollowed;
        private readonly Dictionary<uint, bool> rests = new Dictionary<uint, bool>();
        private bool cachesRest;
        private uint lastEnd;
        private bool accessed;
        private bool isStore;
        private uint first;

        private const int InstructionFetch = 4;
        private const int OtherSegment = 4;
        private const int WindowOpens = 0;
        private const int WindowCloses = 1;
        private const int SectionOpens = 4;
        private const int IoWrite = 1;
        private const int MemoryWrite = 3;
        private const ushort FirstWide = 0xE800;
    }

    // The least recently used line goes first. A line's sectors are what a miss reads.
    public class Cache
    {
        public Cache(uint[] numbers, Cache owner)
        {
            IsData = numbers[0] != 0;
            ways = (int)numbers[3];
            sets = numbers[1] / numbers[3];
            allocates = numbers[4] != 0;
            segments = numbers[5];
            sectorBytes = numbers[6];
            sectorsOfLine = numbers[2] / numbers[6];
            keeps = numbers[7] != 0;
            phase = numbers[8];
            lines = owner == null ? new Lines(sets, ways) : owner.lines;
        }

        public bool IsData { get; }

        public bool Holds(int segment)
        {
            return (segments >> segment & 1) != 0;
        }

        // A sector that execution only goes on in has been read already.
        public void Fetch(uint start, uint end, bool jumped, out uint jump, out uint sequential)
        {
            jump = 0;
            sequential = 0;
            var sector = (start + phase) / sectorBytes;
            var last = (end - 1 + phase) / sectorBytes;
            if(!jumped && sector == (start - 1 + phase) / sectorBytes)
            {
                sector++;
            }
            for(var isTarget = jumped; sector <= last; sector++, isTarget = false)
            {
                var isThere = lines.Touch(sector, sectorsOfLine, keeps || isTarget);
                if(!isThere && keeps)
                {
                    lines.LastRead = sector;
                }
                jump += !isThere && isTarget ? 1u : 0;
                sequential += !isThere && !isTarget ? 1u : 0;
            }
        }

        // Sectors that a load missed, those behind the sector that was read last apart.
        public void Move(uint address, uint width, bool isStore, out uint jump, out uint sequential)
        {
            jump = 0;
            sequential = 0;
            var last = (address + phase + width - 1) / sectorBytes;
            for(var sector = (address + phase) / sectorBytes; sector <= last; sector++)
            {
                if(isStore && !allocates && !lines.HasLine(sector, sectorsOfLine))
                {
                    continue;
                }
                if(lines.Touch(sector, sectorsOfLine, true))
                {
                    continue;
                }
                var goesOn = sector == lines.LastRead + 1;
                lines.LastRead = sector;
                jump += !isStore && !goesOn ? 1u : 0;
                sequential += !isStore && goesOn ? 1u : 0;
            }
        }

        private readonly int ways;
        private readonly uint sets;
        private readonly bool allocates;
        private readonly bool keeps;
        private readonly uint segments;
        private readonly uint sectorBytes;
        private readonly uint sectorsOfLine;
        private readonly uint phase;
        private readonly Lines lines;
    }

    public class Lines
    {
        public Lines(uint sets, int ways)
        {
            this.sets = sets;
            this.ways = ways;
            var count = (int)sets * ways;
            numbers = new uint[count];
            valid = new uint[count];
            used = new ulong[count];
        }

        public uint LastRead { get; set; } = NoSector;

        public bool HasLine(uint sector, uint sectorsOfLine)
        {
            return places.ContainsKey(sector / sectorsOfLine);
        }

        // Whether the sector is there; if not, it is brought in where that is asked for.
        public bool Touch(uint sector, uint sectorsOfLine, bool bringsIn)
        {
            var number = sector / sectorsOfLine;
            var bit = 1u << (int)(sector % sectorsOfLine);
            if(recent >= 0 && numbers[recent] == number && (valid[recent] & bit) != 0)
            {
                used[recent] = ++time;
                return true;
            }
            var isKnown = places.TryGetValue(number, out var place);
            if(isKnown && (valid[place] & bit) != 0)
            {
                used[place] = ++time;
                recent = place;
                return true;
            }
            if(!bringsIn)
            {
                return false;
            }
            if(!isKnown)
            {
                place = Free(number % sets);
                numbers[place] = number;
                valid[place] = 0;
                places[number] = place;
            }
            valid[place] |= bit;
            used[place] = ++time;
            recent = place;
            return false;
        }

        private int Free(uint set)
        {
            var oldest = (int)set * ways;
            for(var place = oldest; place < ((int)set + 1) * ways; place++)
            {
                if(used[place] < used[oldest])
                {
                    oldest = place;
                }
            }
            if(used[oldest] != 0)
            {
                places.Remove(numbers[oldest]);
            }
            return oldest;
        }

        private readonly uint sets;
        private readonly int ways;
        private readonly uint[] numbers;
        private readonly uint[] valid;
        private readonly ulong[] used;
        private readonly Dictionary<uint, int> places = new Dictionary<uint, int>();
        private int recent = -1;
        private ulong time;

        private const uint NoSector = uint.MaxValue - 1; // nor is the one after it
    }

    public class Interval
    {
        public Interval(int opener)
        {
            this.opener = opener;
        }

        public ulong Executed { get; set; }

        public void Execute(int block)
        {
            Grow(block);
            executions[block]++;
        }

        public int Likely(int source)
        {
            return source < follower.Length ? follower[source] - 1 : -1;
        }

        public void Follow(int source, int target)
        {
            Grow(source);
            if(follower[source] == 0)
            {
                follower[source] = target + 1;
            }
            if(follower[source] == target + 1)
            {
                followed[source]++;
            }
            else
            {
                Add(edges, (ulong)source << 32 | (uint)target, 1);
            }
        }

        public void Access(int block, int segment, int misalignment)
        {
            Grow(block);
            var counts = accesses[block] ?? (accesses[block] = new ulong[Places]);
            counts[segment * Misalignments + misalignment]++;
        }

        public void Miss(int block, int cache, uint jump, uint sequential)
        {
            Add(misses, (ulong)block << 32 | (uint)(2 * cache), jump);
            Add(misses, (ulong)block << 32 | (uint)(2 * cache + 1), sequential);
        }

        public void Write(BinaryWriter writer)
        {
            writer.Write(opener);
            writer.Write(Executed);
            WriteTable(writer, w =>
            {
                for(var block = 0; block < executions.Length; block++)
                {
                    if(executions[block] != 0)
                    {
                        w((ulong)block << 32, executions[block]);
                    }
                }
            });
            WriteTable(writer, w =>
            {
                for(var source = 0; source < followed.Length; source++)
                {
                    if(followed[source] != 0)
                    {
                        w((ulong)source << 32 | (uint)(follower[source] - 1), followed[source]);
                    }
                }
                foreach(var edge in edges)
                {
                    w(edge.Key, edge.Value);
                }
            });
            WriteTable(writer, w =>
            {
                for(var block = 0; block < accesses.Length; block++)
                {
                    for(var place = 0; accesses[block] != null && place < Places; place++)
                    {
                        if(accesses[block][place] != 0)
                        {
                            w((ulong)block << 32 | (uint)place, accesses[block][place]);
                        }
                    }
                }
            });
            WriteTable(writer, w =>
            {
                foreach(var miss in misses)
                {
                    w(miss.Key, miss.Value);
                }
            });
        }

        private static void WriteTable(BinaryWriter writer, Action<Action<ulong, ulong>> rows)
        {
            var count = 0;
            rows((key, value) => count++);
            writer.Write(count);
            rows((key, value) =>
            {
                writer.Write(key);
                writer.Write(value);
            });
        }

        private static void Add(Dictionary<ulong, ulong> counts, ulong key, uint more)
        {
            counts.TryGetValue(key, out var count);
            counts[key] = count + more;
        }

        private void Grow(int block)
        {
            if(block < executions.Length)
            {
                return;
            }
            var size = Math.Max(block + 1, 2 * executions.Length);
            Array.Resize(ref executions, size);
            Array.Resize(ref follower, size);
            Array.Resize(ref followed, size);
            Array.Resize(ref accesses, size);
        }

        private readonly int opener;
        private readonly Dictionary<ulong, ulong> edges = new Dictionary<ulong, ulong>();
        private readonly Dictionary<ulong, ulong> misses = new Dictionary<ulong, ulong>();
        private ulong[] executions = new ulong[256];
        private int[] follower = new int[256];
        private ulong[] followed = new ulong[256];
        private ulong[][] accesses = new ulong[256][];

        private const int Misalignments = 4;
        private const int Places = 5 * Misalignments;
    }
}
